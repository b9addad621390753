"""Sends the remaining batches of an open send."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.sending.advice import advice_on_sending
from airflow_provider_inforu.sending.dispatch import Dispatch, FirstBatchError
from airflow_provider_inforu.sending.open_send import name_people
from airflow_provider_inforu.sending.quota import check_quota
from airflow_provider_inforu.sending.report import describe_counts, join_error
from airflow_provider_inforu.sending.send_errors import RETRY_RESENDS, NoRetryError, SendStoppedError
from airflow_provider_inforu.sending.window import WindowClosedError, now

if TYPE_CHECKING:
    from airflow_provider_inforu.capi.client import InforuClient
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.sending.gateway import VendorGateway
    from airflow_provider_inforu.sending.open_send import OpenSend
    from airflow_provider_inforu.sending.request_pool import Send
    from airflow_provider_inforu.sending.send_spec import SendSpec

log = logging.getLogger(__name__)

NO_LEDGER = (
    "Retries are disabled because this version of Airflow keeps no state for tasks and [inforu] ledger_path "
    "is not set. Call the remaining recipients in a new DAG run"
)
NO_COPY_IN_DOUBT = (
    "Check in the Inforu portal whether the copy exists. If it exists, settle batch 1 with `airflow inforu "
    "sends resolve --accept --campaign-id` and the copy's ID. Otherwise settle it with `--resend`. Then "
    "clear the task"
)
CANNOT_CONTINUE = "A retry cannot continue this send. Call the remaining recipients in a new DAG run"
KILLED = InforuError("the task was killed")


class SendRunner:
    """Runs one attempt at a send. Call `prepare`, then `run`.

    :param spec: The specification of the send.
    :param gateway: The connection of the send.
    :param send: The send, with its ledger open.
    """

    def __init__(self, spec: SendSpec, gateway: VendorGateway, send: OpenSend) -> None:
        self._spec = spec
        self._gateway = gateway
        self._send = send
        self._running: Dispatch | None = None
        self._is_killed = False
        self._to_resend: set[int] = set()

    def stop(self) -> None:
        """Stop sending. The attempt still waits for the replies in flight and writes them to the ledger."""
        self._is_killed = True
        if self._running:
            self._running.stop(KILLED)

    def prepare(self) -> None:
        """Settle batches in doubt by their outcomes, and choose those that this try sends again.

        :raises InforuError: The receiver cannot be asked, and batches in doubt would be sent again.
        :raises WindowClosedError: Batches in doubt would be sent again, and the sending window is closed.
        """
        send = self._send
        send.settle(self._gateway, self._spec.in_doubt)
        if send.already_sent:
            return
        self._to_resend = self._choose_resends()
        window, moment = self._spec.limits.window, now()
        if self._to_resend and window and not window.is_open(moment):
            raise WindowClosedError(window.opens_at(moment), begun=True)

    def run(self) -> None:
        """Send all batches that the ledger does not contain yet, and those that `prepare` chose.

        :raises WindowClosedError: The sending window is closed, and batches are unsent.
        :raises InforuError: Batches are unsent. A retry continues there.
        :raises NoRetryError: Batches are unsent, and a retry is not possible.
        """
        if not self._send.already_sent and (unsent := self._list_unsent()):
            self._dispatch(unsent)

    def _choose_resends(self) -> set[int]:
        """Return the batches in doubt that this try sends again: all, or those of a person's decision."""
        ledger = self._send.ledger
        resendable = set(self._send.result.resendable) if self._spec.in_doubt == "resend" else set()
        return set(ledger.in_doubt()) & (resendable | ledger.decided_resend)

    def _list_unsent(self) -> list[Batch]:
        ledger, batches = self._send.ledger, self._send.people.batches
        if not batches:
            return []
        unsent = [
            batch
            for batch in batches
            if batch.number not in ledger.records or batch.number in self._to_resend
        ]
        log.info("send %s: requests to make: %d of %d", ledger.header.send_id, len(unsent), len(batches))
        if self._to_resend:
            log.warning("Batches in doubt are sent again: %s", sorted(self._to_resend))
        return unsent

    def _prepare(self, client: InforuClient, batch: Batch) -> Send:
        requests = self._spec.requests
        data = requests.build(batch, self._send.ledger)
        return voice.prepare_send(client, requests.function, data)

    def _dispatch(self, unsent: list[Batch]) -> None:
        ledger = self._send.ledger
        client = self._gateway.get_conn()  # created now, so that the first requests are not delayed
        self._running = Dispatch(
            ledger,
            unsent,
            partial(self._prepare, client),
            self._spec.limits,
            first_batch_creates_campaign=self._spec.requests.first_batch_creates_campaign,
        )
        if self._is_killed:
            self._running.stop(KILLED)
        try:
            if self._spec.quota_check:
                people = sum(len(batch.recipients) for batch in unsent)
                check_quota(self._gateway, people, self._spec.quota_check)
            self._running.run()
        except BaseException as error:
            name_people(self._send.result, unsent=not ledger.is_durable)
            if isinstance(error, Exception) and not ledger.is_durable:
                raise NoRetryError(
                    join_error(f"Send {ledger.header.send_id} was interrupted: {error}", NO_LEDGER)
                ) from error
            raise
        if self._running.remaining:
            name_people(self._send.result, unsent=not ledger.is_durable)
            self._raise_unsent(self._running.stopped_by)

    def _raise_unsent(self, stopped_by: InforuError | None) -> None:
        result, is_durable = self._send.result, self._send.ledger.is_durable
        next_step = "The next try continues with these recipients and calls nobody twice"
        if result.resendable and self._spec.in_doubt == "resend":
            next_step = f"The next try continues. {RETRY_RESENDS}"
        if not is_durable:
            next_step = NO_LEDGER
        elif isinstance(stopped_by, FirstBatchError):
            next_step = NO_COPY_IN_DOUBT if result.in_doubt else CANNOT_CONTINUE
        message = join_error(
            f"Send {result.send_id} stopped (connection {self._gateway.inforu_conn_id!r})",
            next_step,
            advice_on_sending(stopped_by) if stopped_by else "",
            describe_counts(result, see="the log lists their keys", not_sent_because=stopped_by),
            "" if result.unsent else f"The reason for the stop: {stopped_by}",
        )
        if not is_durable or isinstance(stopped_by, FirstBatchError):
            raise NoRetryError(message)
        if isinstance(stopped_by, WindowClosedError):
            log.info("%s", message)
            raise stopped_by
        raise SendStoppedError(message)
