"""Tells for how many ended calls a task waits, and whether a wait was successful."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.outcomes.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping


class CallsNotEndedError(InforuError):
    """Not all calls of a send are known to have ended. A retry waits again and sends nothing."""


def calls_to_wait_for(manifest: Mapping[str, Any]) -> int:
    """Return the number of ended calls that completes the wait.

    Calls in doubt do not count, because they may never ring. If all calls are in doubt, the number is 1: one
    ended call proves that Inforu accepted its batch. Then the task waits for the rest of this batch.

    :param manifest: The manifest of the send.
    """
    return int(manifest["accepted"]) or min(1, int(manifest["in_doubt"]))


def read_event(event: object) -> Decision:
    """Return the trigger's decision: how the wait ended.

    :param event: The payload of the trigger's event.
    :raises CallsNotEndedError: The payload is invalid.
    """
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
