"""Completes a send: the facts before a wait, the report, and the manifest or the error of the task."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.ledger_keys import COUNTS_KEY
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.sending.ended_calls import CallsNotEndedError, calls_to_wait_for, check_ended
from airflow_provider_inforu.sending.manifest import build_manifest, count_people
from airflow_provider_inforu.sending.open_send import name_people
from airflow_provider_inforu.sending.outcome_store import Outcomes
from airflow_provider_inforu.sending.report import describe_counts, join_error, list_ranges, name_campaigns
from airflow_provider_inforu.sending.report_file import (
    ReportError,
    ReportLostError,
    with_outcomes,
    write_report,
)
from airflow_provider_inforu.sending.send_errors import RETRY_RESENDS, NoRetryError, SendStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_inforu.outcomes.decision import Decision
    from airflow_provider_inforu.recipients.choices import InDoubt
    from airflow_provider_inforu.sending.gateway import VendorGateway
    from airflow_provider_inforu.sending.open_send import OpenSend
    from airflow_provider_inforu.sending.result import SendResult

log = logging.getLogger(__name__)

NO_RETRY = "Retries are disabled because this send has no ledger"
REJECTED = (
    "Inforu rejected recipients and did not call them. This task does not call them again. Correct the cause "
    "that the reason names, and call them in a new DAG run"
)
NOT_REBUILT = (
    "A retry cannot write it either. The manifest contains all counts. Give the same rows again and clear "
    "the task, or remove `report_path`"
)


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Completes the sends of a task.

    :ivar function: The function of Inforu's API.
    :ivar gateway: The connection of the send.
    :ivar in_doubt: What the task does with recipients in doubt.
    :ivar waits: Whether the task waits for the calls.
    :ivar report_path: Where the report is written; None for no report.
    :ivar push: Stores a value for later tasks and the page of calls, under a key: the manifest of a task that
        then waits or fails, or the counts.
    """

    function: str
    gateway: VendorGateway
    in_doubt: InDoubt
    waits: bool
    report_path: str | None
    push: Callable[[str, dict[str, Any]], None]

    def settle(self, send: OpenSend) -> int:
        """Settle batches in doubt by their outcomes, and return the number of calls to wait for.

        :param send: The send, with all its batches sent.
        :raises SendStoppedError: A person settled batches as not called.
        """
        _check_all_sent(send.result)
        send.settle(self.gateway, self.in_doubt)
        return calls_to_wait_for(self._manifest(send)) if self.waits else 0

    def store_waiting(self, send: OpenSend, deadline: float) -> dict[str, Any]:
        """Store everything that `conclude` needs after the wait, without rows, and return the manifest.

        :param send: The send.
        :param deadline: When the wait ends, in seconds since 1970.
        """
        if send.ledger.is_durable:
            problem = self._write_report(send, asks=False)
            if problem:
                log.warning("%s", problem)
            send.save(deadline=deadline)
        manifest = self._manifest(send)
        self._push_counts(send)
        log.info(
            "send %s: waiting until %d calls have ended", manifest["send_id"], calls_to_wait_for(manifest)
        )
        self.push("return_value", manifest)
        return manifest

    def store_stopped(self, send: OpenSend, *, is_paused: bool) -> None:
        """Store the facts and the report of an interrupted send. The report replaces one of an earlier run.

        :param send: The interrupted send.
        :param is_paused: Whether the task may continue later, so that its counts are not final.
        """
        # Saved first, and without a request for outcomes, because Airflow may soon kill a task that it ends.
        _save_if_possible(send)
        if not is_paused:
            self._push_counts(send)
        try:
            problem = self._write_report(send, asks=False)
        except Exception as error:  # the task must fail with the error that stopped the send
            problem = ReportError(f"The report was not written ({type(error).__name__})")
        if problem:
            log.warning("%s", problem)

    def conclude(self, send: OpenSend, decision: Decision | None) -> dict[str, Any]:
        """Write the report, and return the manifest.

        :param send: The send, settled.
        :param decision: How the wait for the calls ended; None if the task does not wait.
        :raises InforuError: The calls have not ended, or the report was not written. A retry continues there.
        :raises SendStoppedError: The next try calls recipients in doubt again.
        :raises NoRetryError: Recipients are in doubt or rejected, or a retry is not possible.
        """
        name_people(send.result)
        self._push_counts(send)
        problem: InforuError | None = self._write_report(send)
        manifest = self._manifest(send, decision)
        result = send.result
        if send.ledger.is_durable and (result.in_doubt or result.rejected):
            _save_if_possible(send)
        if result.rejected or (result.in_doubt and self.in_doubt != "accept"):
            self.push("return_value", manifest)
            self._fail(send, problem)
        if decision is not None:
            try:
                check_ended(decision)
            except InforuError as error:
                has_report = self.report_path and problem is None
                about_report = (
                    f"The report at {self.report_path} has a row for each recipient"
                    if has_report
                    else problem
                )
                problem = CallsNotEndedError(f"{error}. {about_report}") if about_report else error
        log.info("%s", describe(manifest))
        if problem is not None:
            self.push("return_value", manifest)
            _raise(problem, send)
        return manifest

    def _push_counts(self, send: OpenSend) -> None:
        """Store the counts for the page of calls. No later try reads them."""
        try:
            self.push(COUNTS_KEY, count_people(send.result))
        except Exception as error:  # XCom backends raise errors of any type
            log.warning(
                "The counts were not stored (%s). The page of calls may show old counts", type(error).__name__
            )

    def _fail(self, send: OpenSend, problem: InforuError | None) -> NoReturn:
        result = send.result
        may_resend = bool(result.resendable) and self.in_doubt == "resend" and send.ledger.is_durable
        advice = [REJECTED] if result.rejected else []
        if may_resend:
            advice.append(RETRY_RESENDS)
        elif result.in_doubt:
            advice.append(how_to_settle(result))
        has_report = self.report_path and problem is None
        see = f"see the report at {self.report_path}" if has_report else "the log lists their keys"
        message = join_error(
            f"Send {result.send_id} is not complete",
            *advice,
            describe_counts(result, see=see),
            str(problem or ""),
        )
        raise SendStoppedError(message) if may_resend else NoRetryError(message)

    def _manifest(self, send: OpenSend, decision: Decision | None = None) -> dict[str, Any]:
        result = send.result
        calls = None
        if decision is not None:
            calls = decision.to_calls()
        elif self.waits:
            # Without accepted calls and calls in doubt, no call can end any more.
            nobody = not result.accepted and not result.in_doubt
            calls = no_calls(result.send_id, is_complete=nobody)
        began_at = result.header.began_at if send.already_sent else None
        return build_manifest(
            self.function,
            result,
            conn_id=self.gateway.inforu_conn_id,
            calls=calls,
            already_sent_at=began_at,
        )

    def _write_report(self, send: OpenSend, *, asks: bool = True) -> ReportError | None:
        """Write the report, and return the error if it could not be written or has no outcomes.

        :param asks: Whether to ask the receiver for outcomes.
        """
        path = self.report_path
        if not path:
            return None
        result = send.result
        outcomes, problem = Outcomes(), None
        try:
            if asks and self.gateway.settings.has_receiver:
                outcomes = Outcomes(self.gateway.iter_call_results(result.send_id))
        except InforuError as error:
            problem = ReportError(
                f"The report of send {result.send_id} was written without outcomes: {error}"
            )
        try:
            rows = send.people.rows(result.header, send.ledger.records)
            digest = write_report(path, with_outcomes(rows, outcomes))
            self._remember_report(send, path, digest)
        except ReportError as error:
            next_step = "A retry writes it and calls nobody"
            if isinstance(error, ReportLostError) and not send.is_resumed:
                next_step = NOT_REBUILT
            return type(error)(f"The report of send {result.send_id} was not written: {error}. {next_step}")
        log.info("The report is in %s", path)
        return problem

    def _remember_report(self, send: OpenSend, path: str, digest: str) -> None:
        facts = send.people.facts
        is_known = facts and (facts.report, facts.report_digest) == (path, digest)
        # A resumed task must not write the ledger, and the digest of its report is already stored.
        if send.ledger.is_durable and not (is_known or send.is_resumed):
            _save_if_possible(send, report=path, digest=digest)


def _save_if_possible(send: OpenSend, report: str | None = None, digest: str | None = None) -> None:
    """Store the facts of a send, or log a warning. The log and the error also contain the result."""
    try:
        send.save(report=report, digest=digest)
    except Exception as error:  # stores raise errors of any type
        log.warning(
            "The keys of recipients in doubt or rejected, and the report's path, were not stored (%s). Keep "
            "this log: it lists the keys",
            type(error).__name__,
        )


def no_calls(send_id: str, *, is_complete: bool) -> dict[str, Any]:
    """Return a summary without ended calls, as plain JSON.

    :param send_id: The send; empty for a dry run.
    :param is_complete: Whether no call can end any more.
    """
    return {**SendSummary(send_id).to_json(), "complete": is_complete}


def how_to_settle(result: SendResult) -> str:
    """Return the advice for recipients in doubt.

    :param result: The result of the send.
    """
    return (
        f"Look at {name_campaigns(result)} in the Inforu portal. Then settle them with `airflow inforu sends "
        "resolve`, or set in_doubt='accept' (count them as called) or in_doubt='resend' (call them again), "
        "and clear the task. Nobody else is called twice"
    )


def describe(manifest: Mapping[str, Any]) -> str:
    """Return a manifest's counts as one line for the log.

    :param manifest: The manifest of the send.
    """
    names = ("accepted", "rejected", "in_doubt", "skipped")
    counts = ", ".join(f"{manifest[name]} {name.replace('_', ' ')}" for name in names)
    line = f"send {manifest['send_id']}: {counts}"
    if calls := manifest["calls"]:
        ended = ", ".join(f"{status or 'no status'} {count}" for status, count in calls["by_status"].items())
        line += f"; calls ended: {calls['calls']} ({ended})" if ended else "; no call has ended"
    return line


def _check_all_sent(result: SendResult) -> None:
    """Raise SendStoppedError if a person settled a batch as not called during this try."""
    if result.unsent:
        numbers = list_ranges(map(str, result.unsent))
        raise SendStoppedError(
            f"Send {result.send_id} is not complete: during this try a person settled batches as not called "
            f"({numbers}). The next try calls these recipients"
        )


def _raise(problem: InforuError, send: OpenSend) -> NoReturn:
    if not send.ledger.is_durable:
        raise NoRetryError(f"{problem}. {NO_RETRY}") from problem
    if isinstance(problem, ReportLostError) and not send.is_resumed:
        raise NoRetryError(str(problem)) from problem
    raise problem
