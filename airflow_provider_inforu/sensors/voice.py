"""A sensor that waits until the calls of a send have ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_inforu._compat import AirflowFailException, AirflowSensorTimeout, conf
from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.links import InforuDagCallsLink
from airflow_provider_inforu.outcomes.awaited import (
    check_on_timeout,
    check_seconds,
    check_source,
    check_source_name,
    read_send,
    read_threshold,
)
from airflow_provider_inforu.outcomes.decision import (
    ClockReading,
    CompletionTracker,
    Deadline,
    Decision,
    Verdict,
    WaitError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.sdk import Context

    from airflow_provider_inforu.outcomes.awaited import AwaitedSend, OnTimeout
    from airflow_provider_inforu.outcomes.decision import CompletionThreshold
    from airflow_provider_inforu.outcomes.sources import Source, SourceName

_LATER_SECONDS = 600.0
_REFUSED_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The source that a try polls, and the tracker that decides when the wait ends."""

    source: Source
    wait: CompletionTracker


class InforuVoiceJobSensor(BaseSensorOperator):
    """Wait until the calls of a send have ended, and return a summary of how they ended.

    The sensor calls nobody, so you can retry and clear it at any time.

    :param send: The manifest that an operator returned (``send=call.output``), or a ``send_id``. A
        ``send_id`` also needs ``expected``.
    :param expected: The number of calls to wait for. None (default): the number of accepted calls in the
        manifest.
    :param source: Where to ask for ended calls. ``notifications`` (default) asks the receiver.
        ``status_function`` asks Inforu, through the function that the connection names.
    :param complete_when: The share of the calls that must have ended, above 0 and at most 1 (default 1).
    :param on_timeout: What to do after a timeout. ``fail`` (default) fails the task without a retry.
        ``succeed`` returns the summary of that moment.
    :param inforu_conn_id: The ID of the connection (default ``inforu_default``).
    :param poke_interval: Seconds between two checks, as a number or a timedelta (default 30).
    :param timeout: The longest wait, in seconds or as a timedelta. Airflow's own default is seven days.
    :param soft_fail: Skip the task instead of failing it after a timeout (default False).
    :param deferrable: Wait in the triggerer, without a worker (default: Airflow's option ``[operators]
        default_deferrable``).
    :param mode: How a sensor that is not deferrable waits. ``poke`` (default) holds the worker.
        ``reschedule`` frees the worker between two checks.
    :return: The summary: ``send_id``, ``calls``, ``by_status``, ``by_digit``, ``first_at``, ``last_at``, and
        ``complete``: True if the required share of the calls has ended.
    """

    template_fields: Sequence[str] = ("send", "expected", "inforu_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"send": "json"}
    ui_color = "#cfe2f3"
    operator_extra_links = (InforuDagCallsLink(),)

    def __init__(
        self,
        *,
        send: Mapping[str, Any] | str,
        expected: int | str | None = None,
        source: SourceName = "notifications",
        complete_when: float = 1.0,
        on_timeout: OnTimeout = "fail",
        inforu_conn_id: str = InforuHook.default_conn_name,
        poke_interval: timedelta | float = 30,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,  # noqa: ANN401 - to BaseSensorOperator
    ) -> None:
        check_seconds("poke_interval", poke_interval)
        if kwargs.get("timeout") is not None:
            check_seconds("timeout", kwargs["timeout"])
        check_source_name(source)
        check_on_timeout(on_timeout)
        read_threshold(1, complete_when)
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.send: Any = send
        self.expected = expected
        self.source = source
        self.complete_when = complete_when
        self.on_timeout = on_timeout
        self.inforu_conn_id = inforu_conn_id
        self.deferrable = deferrable

    _waiting: _Waiting | None = None

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - as BaseSensorOperator has it
        """Wait for the calls and return the summary, or defer the task.

        :param context: The task's context.
        :raises AirflowFailException: An argument is invalid.
        :raises InforuInputError: A field of the connection is invalid.
        :raises WaitError: The outcomes of the calls cannot be read.
        :raises AirflowSensorTimeout: Too few calls have ended within ``timeout``.
        """
        awaited = self._read_awaited()
        threshold = read_threshold(awaited.expected, self.complete_when)
        if awaited.done is not None:
            return {**awaited.done.to_json(), "complete": True}
        started = self._started(context)
        now = ClockReading.now()
        wait = CompletionTracker(awaited.send_id, threshold, Deadline(started + self.timeout, now), started)
        decision = wait.before_first_look()
        if decision.is_final:
            return self._result(decision)
        source = self._make_source(awaited)
        if self.deferrable:
            early = self._look_early(source, wait)
            return self._result(early) if early else self._defer(awaited, threshold, wait.deadline)
        self._waiting = _Waiting(source, wait)
        # `poke` applies the timeout. Airflow's own timeout ignores on_timeout, so it must come later.
        self.timeout += self.poke_interval + _LATER_SECONDS
        return super().execute(context)

    def _read_awaited(self) -> AwaitedSend:
        try:
            awaited = read_send(self.send, self.expected)
            check_source(awaited, self.source)
        except InforuInputError as error:
            # A retry has the same arguments.
            raise AirflowFailException(str(error)) from None
        return awaited

    def _started(self, context: Context) -> float:
        """Return when the wait began. In ``reschedule`` mode it began in an earlier process."""
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        return time.time() if self.deferrable or first is None else first.timestamp()

    def _make_source(self, awaited: AwaitedSend) -> Source:
        from airflow_provider_inforu.hooks.outcome_wait import make_source

        return make_source(InforuHook(self.inforu_conn_id), self.source, awaited.send_id, awaited.jobs)

    def _look_early(self, source: Source, wait: CompletionTracker) -> Decision | None:
        """Return a final decision if the calls have already ended, or if the poll fails for good."""
        from airflow_provider_inforu.hooks.outcome_wait import poll_once

        # The status function needs one request for each job. Only the trigger remembers its responses.
        if self.source == "status_function":
            return None
        decision = poll_once(source, wait)
        if decision.verdict in (Verdict.COMPLETE, Verdict.ERROR):
            return decision
        self.log.info("%s. Waiting in the triggerer", decision.message)
        return None

    def _defer(self, awaited: AwaitedSend, threshold: CompletionThreshold, deadline: Deadline) -> NoReturn:
        from airflow_provider_inforu.triggers.voice import defer_arguments

        arguments = defer_arguments(
            awaited,
            threshold,
            inforu_conn_id=self.inforu_conn_id,
            source=self.source,
            poll_interval=self.poke_interval,
            deadline=deadline,
        )
        self.defer(method_name="execute_complete", **arguments)

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - as Airflow calls it
        """Poll once, and return whether the wait is over.

        :param context: The task's context.
        :raises WaitError: The outcomes of the calls cannot be read.
        :raises AirflowSensorTimeout: Too few calls have ended within ``timeout``.
        """
        from airflow_provider_inforu.hooks.outcome_wait import poll_once

        if self._waiting is None:
            raise WaitError("poke() ran before execute(). Run the sensor through execute()")
        source, wait = self._waiting.source, self._waiting.wait
        decision = poll_once(source, wait)
        while self.reschedule and wait.is_refused and not decision.is_final:
            # A new process does not know since when the receiver refuses the secret. It would poll until the
            # timeout.
            seconds_left = wait.deadline.seconds_left(ClockReading.now())
            time.sleep(min(self.poke_interval, _REFUSED_PAUSE_SECONDS, seconds_left))
            decision = poll_once(source, wait)
        if not decision.is_final:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._result(decision))

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002 - as Airflow calls it
        """Return the summary in the trigger's event, or fail.

        :param context: The task's context.
        :param event: The trigger's event: how the wait ended.
        :raises WaitError: The event is invalid, or the outcomes of the calls cannot be read.
        :raises AirflowSensorTimeout: Too few calls have ended within ``timeout``.
        """
        try:
            decision = Decision.from_event(event)
        except ValueError as error:
            raise WaitError(f"The trigger's event is invalid ({error}). A retry waits again") from None
        return self._result(decision)

    def _result(self, decision: Decision) -> dict[str, Any]:
        if decision.verdict is Verdict.TIMEOUT and self.on_timeout == "fail":
            raise AirflowSensorTimeout(decision.message)
        if decision.verdict not in (Verdict.COMPLETE, Verdict.TIMEOUT):
            raise WaitError(decision.message)
        self.log.info("%s", decision.message)
        return decision.to_calls()
