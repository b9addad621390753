"""Waiting until the calls of a send have ended: in the triggerer, or in the worker. Nothing here sends."""

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
    """The calls of a send have not ended, as far as is known. A retry waits again and sends nothing."""


def calls_to_wait_for(manifest: Mapping[str, Any]) -> int:
    """Return how many calls should end before the wait is over.

    Those in doubt may never ring, so they are not waited for. Where everybody is in doubt, the first call
    that ends proves that its batch was accepted, and then the others of it are waited for.

    :param manifest: Of the send.
    """
    return int(manifest["accepted"]) or min(1, int(manifest["in_doubt"]))


def new_deadline(operator: SendArguments) -> float:
    """Return when ``calls_timeout`` is over if the wait begins now, in seconds since 1970.

    :param operator: Whose task waits.
    """
    return time.time() + operator.calls_timeout


def wait_in_triggerer(
    operator: SendArguments, manifest: Mapping[str, Any], deadline: float | None = None
) -> None:
    """Leave the worker until the calls have ended; ``execute_complete`` goes on then.

    :param operator: Whose task waits.
    :param manifest: Of the send.
    :param deadline: When the time is over, in seconds since 1970. A wait that goes on keeps the deadline of
        the event (``Decision.deadline``). None (default) begins a new one.
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
    """Wait in the worker.

    :param operator: Whose task waits.
    :param hook: Of its connection.
    :param manifest: Of the send.
    :param deadline: As in `wait_in_triggerer`.
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
    """Return what the trigger decided.

    :param event: The payload of its event.
    :raises CallsNotEndedError: It is none.
    """
    from airflow_provider_inforu.outcomes.decision import Decision

    try:
        return Decision.from_event(event)
    except ValueError as error:
        raise CallsNotEndedError(
            f"the trigger's event cannot be read ({error}). A retry waits again and sends nothing"
        ) from None


def check_ended(decision: Decision) -> None:
    """Raise where the calls have not ended.

    :param decision: What ended the wait.
    :raises CallsNotEndedError: They have not.
    """
    if decision.is_complete:
        return
    message = decision.message
    if str(decision.verdict) == "timeout":
        summary = decision.summary
        message = (
            f"send {summary.send_id}: {summary.calls} of {decision.expected} calls have ended, and "
            f"calls_timeout is over. {decision.explanation}"
        ).rstrip(". ")
    raise CallsNotEndedError(f"{message}. A retry waits again and sends nothing")
