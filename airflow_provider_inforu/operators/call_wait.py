"""Wait in the triggerer or in the worker until the calls of a send have ended. This module never sends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.operators.send_arguments import SendArguments
    from airflow_provider_inforu.outcomes.decision import Decision


class CallsNotEndedError(InforuError):
    """Not all calls of a send are known to have ended. A retry waits again and sends nothing."""


def calls_to_wait_for(manifest: Mapping[str, Any]) -> int:
    """Return the number of ended calls that completes the wait.

    Calls in doubt do not count, because they may never ring. If all calls are in doubt, the number is 1: one
    ended call proves that Inforu accepted its batch. Then the task waits for the rest of this batch.

    :param manifest: The manifest of the send.
    """
    return int(manifest["accepted"]) or min(1, int(manifest["in_doubt"]))


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

    send_id = manifest["send_id"]
    until = Deadline(new_deadline(operator) if deadline is None else deadline, ClockReading.now())
    source = make_source(hook, "notifications", send_id, None)
    wait = CompletionTracker(send_id, CompletionThreshold(calls_to_wait_for(manifest)), until)
    return wait_until_final(source, wait, operator.poll_interval)


def read_event(event: object) -> Decision:
    """Return the trigger's decision: how the wait ended.

    :param event: The payload of the trigger's event.
    :raises CallsNotEndedError: The payload is invalid.
    """
    from airflow_provider_inforu.outcomes.decision import Decision

    try:
        return Decision.from_event(event)
    except ValueError as error:
        raise CallsNotEndedError(
            f"The trigger's event is invalid ({error}). A retry waits again and sends nothing"
        ) from None


def check_ended(decision: Decision) -> None:
    """Check that the calls have ended.

    :param decision: How the wait ended.
    :raises CallsNotEndedError: The calls have not ended.
    """
    if decision.is_complete:
        return
    message = decision.message
    if str(decision.verdict) == "timeout":
        summary = decision.summary
        message = (
            f"send {summary.send_id}: only {summary.calls} of {decision.expected} calls had ended when "
            f"`calls_timeout` was over. {decision.explanation}"
        ).rstrip(". ")
    raise CallsNotEndedError(
        f"{message}. A retry waits again and sends nothing. To wait longer, raise `calls_timeout` and clear "
        "the task. To go on without the missing calls, mark the task as success"
    )
