"""How a task ends that has sent: it waits for the calls, reports, and returns the manifest or fails."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.operators.attempt import SendStoppedError, name_people
from airflow_provider_inforu.operators.outcomes import Outcomes
from airflow_provider_inforu.operators.report_file import ReportError, write_report
from airflow_provider_inforu.operators.wait import (
    CallsNotEndedError,
    calls_to_wait_for,
    check_ended,
    wait_here,
    wait_in_triggerer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.operators.attempt import Attempt
    from airflow_provider_inforu.operators.send import InforuSendOperator
    from airflow_provider_inforu.operators.sent import Sent
    from airflow_provider_inforu.outcomes.decision import Decision
    from airflow_provider_inforu.sending.report import Report

log = logging.getLogger(__name__)

HOW_TO_SETTLE = (
    "Look at the campaign in the Inforu portal. Then settle them with `airflow inforu sends resolve`, or set "
    "in_doubt='accept' to take them as called or in_doubt='resend' to call them again; and clear the task. "
    "Nobody else is called twice"
)
HOW_TO_SEND_THE_REJECTED = (
    "Nobody who was rejected was called. To call them, mend what the vendor says and send to them in a new "
    "DAG run: this task sends to them no more"
)


class Ending:
    """The end of one task.

    :param operator: Whose task it is.
    :param context: The task's context.
    :param hook: Of its connection.
    """

    def __init__(self, operator: InforuSendOperator, context: Context, hook: InforuHook) -> None:
        self._operator = operator
        self._instance = context["ti"]
        self._hook = hook

    def of(
        self, attempt: Attempt, sent: Sent, *, waited: int = 0, decision: Decision | None = None
    ) -> dict[str, Any]:
        """Wait where that is asked for, and return the manifest.

        :param attempt: What sent.
        :param sent: What it has come to.
        :param waited: How many calls were waited for already.
        :param decision: What ended that wait.
        :raises InforuError: A retry goes on from there, and sends nothing that was sent.
        :raises AirflowFailException: Somebody is in doubt or was rejected; the message says who.
        """
        while True:
            attempt.settle(sent.ledger, sent.batches)
            manifest = sent.manifest()
            expected = calls_to_wait_for(manifest) if self._operator.wait_for_calls else 0
            # Batches that were in doubt and are no longer have calls to wait for, too.
            if expected <= waited:
                return self._conclude(sent, manifest, decision)
            self._operator.log.info("send %s: waiting for the end of %d calls", manifest["send_id"], expected)
            self._push(manifest)
            # Without a ledger nothing but this process knows what was sent, so the process waits.
            if self._operator.deferrable and sent.ledger.is_durable:
                wait_in_triggerer(self._operator, manifest)
            decision, waited = wait_here(self._operator, self._hook, manifest), expected

    def of_stopped(self, sent: Sent) -> None:
        """Write the report of a send that is not done, so that none of an earlier run speaks for it.

        :param sent: What it has come to.
        """
        if problem := self._write_report(sent):
            log.warning("%s", problem)

    def of_wait(self, manifest: dict[str, Any], decision: Decision) -> dict[str, Any]:
        """Return the manifest with the summary of the calls.

        :param manifest: As it was when the wait began; nobody is in doubt or rejected.
        :param decision: What ended the wait.
        :raises CallsNotEndedError: The calls have not ended.
        """
        manifest = {**manifest, "calls": decision.to_calls()}
        log.info("%s", describe(manifest))
        self._push(manifest)
        check_ended(decision)
        return manifest

    def _conclude(self, sent: Sent, manifest: dict[str, Any], decision: Decision | None) -> dict[str, Any]:
        manifest = {**manifest, "calls": None if decision is None else decision.to_calls()}
        report = sent.report()
        name_people(report)
        problem: InforuError | None = self._write_report(sent)
        if report.rejected or (report.in_doubt and self._operator.in_doubt != "accept"):
            self._push(manifest)
            self._fail(sent, report, problem)
        if decision is not None:
            try:
                check_ended(decision)
            except InforuError as error:
                problem = CallsNotEndedError(f"{error}. {problem}") if problem else error
        log.info("%s", describe(manifest))
        if problem is not None:
            self._push(manifest)
            if not sent.ledger.is_durable:
                raise AirflowFailException(
                    f"{problem}. There is no ledger, so there is no retry"
                ) from problem
            raise problem
        return manifest

    def _fail(self, sent: Sent, report: Report, problem: InforuError | None) -> None:
        words = [report.describe()]
        if report.rejected:
            words.append(HOW_TO_SEND_THE_REJECTED)
        may_resend = report.in_doubt and self._operator.in_doubt == "resend" and sent.ledger.is_durable
        if may_resend:
            words.append("The next try calls those in doubt again, as in_doubt='resend' says")
        elif report.in_doubt:
            words.append(HOW_TO_SETTLE)
        if problem is not None:
            words.append(str(problem))
        if may_resend:
            raise SendStoppedError(". ".join(words))
        raise AirflowFailException(". ".join(words))

    def _write_report(self, sent: Sent) -> ReportError | None:
        """Write the report; return why it, or a part of it, could not be written."""
        path = self._operator.report_path
        if not path:
            return None
        outcomes, problem = Outcomes(), None
        try:
            if self._hook.settings.has_receiver:
                outcomes = Outcomes(self._hook.iter_call_results(sent.send_id))
        except InforuError as error:
            problem = ReportError(f"the report of send {sent.send_id} has no outcomes: {error}")
        try:
            write_report(path, sent, outcomes)
        except ReportError as error:
            return ReportError(f"the report of send {sent.send_id} was not written: {error}")
        log.info("the report is in %s", path)
        return problem

    def _push(self, manifest: dict[str, Any]) -> None:
        self._instance.xcom_push(key="return_value", value=manifest)


def describe(manifest: Mapping[str, Any]) -> str:
    """Return a manifest's counts in a line for the log.

    :param manifest: Of the send.
    """
    names = ("accepted", "rejected", "in_doubt", "skipped")
    counts = ", ".join(f"{manifest[name]} {name.replace('_', ' ')}" for name in names)
    line = f"send {manifest['send_id']}: {counts}"
    if calls := manifest["calls"]:
        ended = ", ".join(f"{status or 'no status'} {count}" for status, count in calls["by_status"].items())
        line += f"; calls ended: {calls['calls']} ({ended})" if ended else "; no call has ended"
    return line
