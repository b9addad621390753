"""The threads that make the requests of a send. Ending them never waits for the network without a bound."""

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
"""Sends a request that is ready."""
PrepareBatch = Callable[["Batch"], Send]
"""Makes the request of a batch ready."""


class NotReadyError(InforuError):
    """A request could not be made ready, or the send was interrupted before: it was not sent."""

    safe_to_resend = True


class RequestPool:
    """Threads that prepare requests and send them.

    :param width: The number of threads.
    :param prepare: Makes the request of a batch ready.
    :param on_answer: Takes the answer to each request, in the request's thread.
    """

    def __init__(
        self,
        width: int,
        prepare: PrepareBatch,
        on_answer: Callable[[Batch, SendReceipt | InforuError], None],
    ) -> None:
        self.results: dict[int, SendReceipt | InforuError] = {}
        """What each request came to, by the number of its batch, as soon as its thread knows."""
        self._has_result = threading.Condition()
        self._threads = ThreadPoolExecutor(width, thread_name_prefix="inforu")
        self._prepare = prepare
        self._on_answer = on_answer
        self._group = RequestGroup()

    def make_ready(self, batch: Batch) -> Future[Send]:
        """Begin to prepare the request of a batch. It is not sent."""
        return self._threads.submit(self._make_ready, batch)

    def send(self, batch: Batch, ready: Future[Send]) -> None:
        """Send the request of a batch as soon as it is ready."""
        self._threads.submit(self._request, batch, ready)

    def wait_for(self, numbers: Collection[int], seconds: float) -> None:
        """Wait until the results of these batches are there.

        :param numbers: Of the batches.
        :param seconds: How long to wait at most.
        """
        with self._has_result:
            self._has_result.wait_for(lambda: all(number in self.results for number in numbers), seconds)

    def stop(self) -> None:
        """Let no more requests leave. Safe to call from a signal handler."""
        self._group.stop()

    def sever(self) -> None:
        """Let no more requests leave, and end the wait for every answer."""
        self._group.sever()

    def close(self) -> None:
        """End the threads without waiting for them. A thread that waits for an answer gets none."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._group.sever()

    def _make_ready(self, batch: Batch) -> Send:
        try:
            return self._prepare(batch)
        except InforuError:
            raise
        except Exception as error:
            raise NotReadyError(
                f"the request could not be made ready ({type(error).__name__}): it was not sent"
            ) from error

    def _request(self, batch: Batch, ready: Future[Send]) -> None:
        try:
            send = ready.result()
            if self._group.is_stopped:
                raise NotReadyError("the send was interrupted before the request left: it was not sent")  # noqa: TRY301
            with self._group.joined():
                receipt = send()
        except InforuError as error:
            self._tell(batch, error)
        except BaseException as error:
            # Without an answer the send would wait for ever.
            self._tell(batch, InforuOutcomeUnknownError(f"unexpected {type(error).__name__}"))
            raise
        else:
            self._tell(batch, receipt)

    def _tell(self, batch: Batch, answer: SendReceipt | InforuError) -> None:
        with self._has_result:
            self.results[batch.number] = answer
            self._has_result.notify_all()
        self._on_answer(batch, answer)
