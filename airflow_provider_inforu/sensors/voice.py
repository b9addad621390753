"""The sensor that waits until the calls of a send have ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_inforu._compat import AirflowSensorTimeout, conf
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.links import InforuDagCallsLink
from airflow_provider_inforu.outcomes.awaited import (
    check_on_timeout,
    check_seconds,
    check_source,
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
    """What a try looks at, and when that is enough."""

    source: Source
    wait: CompletionTracker


class InforuVoiceJobSensor(BaseSensorOperator):
    """Wait until the calls of a send have ended, and return how they ended.

    Deferred, it takes no worker slot. It calls nobody, so it may be retried and cleared at will.

    :param send: The manifest that an operator returned (``send=call.output``), or a send_id. A send_id also
        needs ``expected``.
    :param expected: The number of calls to wait for. None: the calls that the vendor accepted.
    :param source: ``notifications`` asks the receiver. ``status_function`` asks the status function that the
        connection names.
    :param complete_when: The share of the calls that must have ended, above 0 and at most 1.
    :param on_timeout: When the time is over: ``fail`` fails without a retry, ``succeed`` returns what is
        known then.
    :param inforu_conn_id: The id of the connection.
    :param poke_interval: Seconds between two looks, or a timedelta.
    :param timeout: Seconds to wait at most. Airflow's own default is seven days.
    :param soft_fail: Whether the task is skipped instead of failed when the time is over.
    :param deferrable: Whether it waits in the triggerer and takes no worker slot.
    :param mode: If it is not deferred: ``poke`` holds the worker, ``reschedule`` frees it between two looks.
    :return: The summary: ``send_id``, ``calls``, ``by_status``, ``by_digit``, ``first_at``, ``last_at``, and
        ``complete``, whether as many calls ended as were waited for.
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
        """Wait, or defer.

        :raises InforuInputError: An argument, or a field of the connection, cannot be.
        :raises WaitError: It cannot be known what became of the calls.
        :raises AirflowSensorTimeout: The time is over.
        """
        awaited = read_send(self.send, self.expected)
        goal = read_threshold(awaited.expected, self.complete_when)
        check_source(awaited, self.source)
        check_on_timeout(self.on_timeout)
        if awaited.done is not None:
            return {**awaited.done.to_json(), "complete": True}
        started = self._started(context)
        now = ClockReading.now()
        wait = CompletionTracker(awaited.send_id, goal, Deadline(started + self.timeout, now), started)
        decision = wait.before_first_look()
        if decision.is_final:
            return self._result(decision)
        source = self._make_source(awaited)
        if self.deferrable:
            early = self._look_early(source, wait)
            return self._result(early) if early else self._defer(awaited, goal, wait.deadline)
        self._waiting = _Waiting(source, wait)
        # The decision about the end is ours. Airflow's own, a moment after a look, would not know on_timeout.
        self.timeout += self.poke_interval + _LATER_SECONDS
        return super().execute(context)

    def _started(self, context: Context) -> float:
        """Return when the wait began, which in ``reschedule`` mode was in an earlier process."""
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        return time.time() if self.deferrable or first is None else first.timestamp()

    def _make_source(self, awaited: AwaitedSend) -> Source:
        from airflow_provider_inforu.hooks.outcome_wait import make_source

        return make_source(InforuHook(self.inforu_conn_id), self.source, awaited.send_id, awaited.jobs)

    def _look_early(self, source: Source, wait: CompletionTracker) -> Decision | None:
        """Look before deferring: nothing may be left to wait for, and errors are best seen at once."""
        from airflow_provider_inforu.hooks.outcome_wait import poll_once

        # The status function is asked for each job: the trigger alone does that, and remembers the answers.
        if self.source == "status_function":
            return None
        decision = poll_once(source, wait)
        if decision.verdict in (Verdict.COMPLETE, Verdict.ERROR):
            return decision
        self.log.info("%s. Waiting in the triggerer", decision.message)
        return None

    def _defer(self, awaited: AwaitedSend, goal: CompletionThreshold, deadline: Deadline) -> NoReturn:
        from airflow_provider_inforu.triggers.voice import defer_arguments

        arguments = defer_arguments(
            awaited,
            goal,
            inforu_conn_id=self.inforu_conn_id,
            source=self.source,
            poll_interval=self.poke_interval,
            deadline=deadline,
        )
        self.defer(method_name="execute_complete", **arguments)

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - as Airflow calls it
        """Look once.

        :raises WaitError: It cannot be known what became of the calls.
        :raises AirflowSensorTimeout: The time is over.
        """
        from airflow_provider_inforu.hooks.outcome_wait import poll_once

        if self._waiting is None:
            raise WaitError("the sensor looks only while it is executed")
        source, wait = self._waiting.source, self._waiting.wait
        decision = poll_once(source, wait)
        while self.reschedule and wait.is_refused and not decision.is_final:
            # The next process would not know since when it is refused, and ask until the time is over.
            seconds_left = wait.deadline.seconds_left(ClockReading.now())
            time.sleep(min(self.poke_interval, _REFUSED_PAUSE_SECONDS, seconds_left))
            decision = poll_once(source, wait)
        if not decision.is_final:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._result(decision))

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002 - as Airflow calls it
        """Return or fail, as the trigger's event says.

        :param event: The trigger's event.
        :raises WaitError: It cannot be known what became of the calls.
        :raises AirflowSensorTimeout: The time is over.
        """
        try:
            decision = Decision.from_event(event)
        except ValueError as error:
            raise WaitError(f"the trigger's event cannot be read ({error}); a retry waits again") from None
        return self._result(decision)

    def _result(self, decision: Decision) -> dict[str, Any]:
        if decision.verdict is Verdict.TIMEOUT and self.on_timeout == "fail":
            raise AirflowSensorTimeout(decision.message)
        if decision.verdict not in (Verdict.COMPLETE, Verdict.TIMEOUT):
            raise WaitError(decision.message)
        self.log.info("%s", decision.message)
        return decision.to_calls()
