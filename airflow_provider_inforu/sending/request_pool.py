"""The threads that make the requests of a send. Closing them never waits for the network without a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError, InforuOutcomeUnknownError
from airflow_provider_inforu.capi.exchange import RequestGroup

if TYPE_CHECKING:
    from airflow_provider_inforu.capi.voice import SendReceipt
    from airflow_provider_inforu.recipients.batches import Batch


Send = Callable[[], "SendReceipt"]
"""Sends a prepared request, and returns the vendor's receipt."""
PrepareBatch = Callable[["Batch"], Send]
"""Prepares the request of a batch, and returns the function that sends it."""


class NotReadyError(InforuError):
    """A request was not sent: its preparation failed, or the send was interrupted before it."""

    safe_to_resend = True


class RequestPool:
    """Threads that prepare requests and send them.

    :param width: The number of threads.
    :param prepare: Prepares the request of a batch.
    :param on_answer: Gets the result of each request, in the request's thread.
    """

    def __init__(
        self,
        width: int,
        prepare: PrepareBatch,
        on_answer: Callable[[Batch, SendReceipt | InforuError], None],
    ) -> None:
        self.results: dict[int, SendReceipt | InforuError] = {}
        """The results of the requests so far, by batch number."""
        self._has_result = threading.Condition()
        self._threads = ThreadPoolExecutor(width, thread_name_prefix="inforu")
        self._prepare = prepare
        self._on_answer = on_answer
        self._group = RequestGroup()

    def make_ready(self, batch: Batch) -> Future[Send]:
        """Begin to prepare the request of a batch, without sending it."""
        return self._threads.submit(self._make_ready, batch)

    def send(self, batch: Batch, ready: Future[Send]) -> None:
        """Send the request of a batch as soon as it is prepared.

        :param batch: The batch.
        :param ready: The return value of `make_ready` for this batch.
        """
        self._threads.submit(self._request, batch, ready)

    def wait_for(self, numbers: Collection[int], seconds: float) -> None:
        """Wait until all results of some batches are known.

        :param numbers: Numbers of the batches.
        :param seconds: The longest wait.
        """
        with self._has_result:
            self._has_result.wait_for(lambda: all(number in self.results for number in numbers), seconds)

    def stop(self) -> None:
        """Prevent further requests. Safe to call from a signal handler."""
        self._group.stop()

    def sever(self) -> None:
        """Prevent further requests, and close the connections of the requests in flight."""
        self._group.sever()

    def close(self) -> None:
        """End the threads without waiting for them. The requests in flight get no response."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._group.sever()

    def _make_ready(self, batch: Batch) -> Send:
        try:
            return self._prepare(batch)
        except InforuError:
            raise
        except Exception as error:
            raise NotReadyError(
                f"the request could not be prepared ({type(error).__name__}), so it was not sent"
            ) from error

    def _request(self, batch: Batch, ready: Future[Send]) -> None:
        try:
            send = ready.result()
            if self._group.is_stopped:
                raise NotReadyError("the send was interrupted before this request left")  # noqa: TRY301
            with self._group.joined():
                receipt = send()
        except InforuError as error:
            self._report(batch, error)
        except BaseException as error:
            # Without a result, the send would wait for ever.
            problem = f"the request ended with an unexpected {type(error).__name__}: its outcome is unknown"
            self._report(batch, InforuOutcomeUnknownError(problem))
            raise
        else:
            self._report(batch, receipt)

    def _report(self, batch: Batch, answer: SendReceipt | InforuError) -> None:
        with self._has_result:
            self.results[batch.number] = answer
            self._has_result.notify_all()
        self._on_answer(batch, answer)
