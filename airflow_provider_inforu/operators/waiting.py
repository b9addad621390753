"""Wait until the calls of a send have ended, or until its sending window opens. This module never sends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_inforu._compat import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.operators.send_arguments import SendArguments
    from airflow_provider_inforu.outcomes.decision import Decision
    from airflow_provider_inforu.sending.window import WindowClosedError


def new_deadline(operator: SendArguments) -> float:
    """Return the deadline of a wait that starts now, in seconds since 1970.

    :param operator: The operator. Its ``calls_timeout`` is the length of the wait.
    """
    return time.time() + operator.calls_timeout


def wait_in_triggerer(
    operator: SendArguments, manifest: Mapping[str, Any], deadline: float | None = None
) -> None:
    """Free the worker until the calls have ended. Airflow then runs ``execute_complete``.

    :param operator: The operator whose task waits.
    :param manifest: The manifest of the send.
    :param deadline: When the wait ends, in seconds since 1970. A continued wait passes the deadline of the
        event (``Decision.deadline``). None (default) starts a new wait.
    :raises TaskDeferred: Always.
    """
    from airflow_provider_inforu.outcomes.awaited import read_send
    from airflow_provider_inforu.outcomes.decision import ClockReading, CompletionThreshold, Deadline
    from airflow_provider_inforu.sending.ended_calls import calls_to_wait_for
    from airflow_provider_inforu.triggers.voice import defer_arguments

    expected = calls_to_wait_for(manifest)
    operator.defer(
        method_name="execute_complete",
        **defer_arguments(
            read_send(manifest, expected),
            CompletionThreshold(expected),
            inforu_conn_id=operator.inforu_conn_id,
            source="notifications",
            poll_interval=operator.poll_interval,
            deadline=Deadline(new_deadline(operator) if deadline is None else deadline, ClockReading.now()),
        ),
    )


def wait_here(
    operator: SendArguments,
    hook: InforuHook,
    manifest: Mapping[str, Any],
    deadline: float | None = None,
) -> Decision:
    """Wait in the worker, and return how the wait ended.

    :param operator: The operator whose task waits.
    :param hook: The hook of its connection.
    :param manifest: The manifest of the send.
    :param deadline: When the wait ends, in seconds since 1970. None (default) starts a new wait.
    """
    from airflow_provider_inforu.hooks.outcome_wait import make_source, wait_until_final
    from airflow_provider_inforu.outcomes.decision import (
        ClockReading,
        CompletionThreshold,
        CompletionTracker,
        Deadline,
    )
    from airflow_provider_inforu.sending.ended_calls import calls_to_wait_for

    send_id = manifest["send_id"]
    until = Deadline(new_deadline(operator) if deadline is None else deadline, ClockReading.now())
    source = make_source(hook, "notifications", send_id, None)
    wait = CompletionTracker(send_id, CompletionThreshold(calls_to_wait_for(manifest)), until)
    return wait_until_final(source, wait, operator.poll_interval)


def leave_until_it_opens(operator: SendArguments, closed: WindowClosedError) -> NoReturn:
    """End this run of the task in the way that ``outside_window`` sets.

    :param operator: The operator of the task.
    :param closed: When the window opens, and whether recipients were already called.
    :raises TaskDeferred: ``wait``: the task waits in the triggerer until the window opens.
    :raises AirflowSkipException: ``skip``, and nobody was called.
    :raises AirflowFailException: ``fail``, or ``skip`` after the first call.
    """
    if operator.outside_window == "wait":
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        operator.log.info("%s. The task waits in the triggerer until then, without a worker", closed)
        operator.defer(trigger=DateTimeTrigger(closed.opens_at), method_name="execute_in_window")
    if operator.outside_window == "skip" and not closed.begun:
        # Airflow shows the reason of a skip only in a collapsed group of the log.
        operator.log.warning("The task is skipped: %s", closed)
        raise AirflowSkipException(str(closed))
    raise AirflowFailException(
        f"{closed}. Clear the task when the window is open. It then calls the remaining recipients, and "
        "nobody twice"
    )
