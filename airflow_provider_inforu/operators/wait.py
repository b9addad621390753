"""Waiting until the calls of a send have ended: in the triggerer, or in the worker. Nothing here sends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.outcomes.decision import Deadline, Goal, Moment, Wait

if TYPE_CHECKING:
    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.operators.send import InforuSendOperator

BACKSTOP_SECONDS = 300.0
"""The trigger has a deadline of its own; Airflow's comes so much later, should the trigger not keep it."""


class CallsNotEndedError(InforuError):
    """The calls of a send have not ended, as far as is known. A retry waits again and sends nothing."""


def calls_to_wait_for(manifest: Mapping[str, Any]) -> int:
    """Return how many calls should end before the wait is over.

    Those in doubt may never ring, so they are not waited for. Where everybody is in doubt, the first call
    that ends proves that its batch was accepted, and then the others of it are waited for.

    :param manifest: Of the send.
    """
    return int(manifest["accepted"]) or min(1, int(manifest["in_doubt"]))


def wait_in_triggerer(operator: InforuSendOperator, send_id: str, expected: int) -> NoReturn:
    """Leave the worker until the calls have ended; ``execute_complete`` goes on then.

    :param operator: Whose task waits.
    :param send_id: The send.
    :param expected: How many calls should end.
    :raises TaskDeferred: Always.
    """
    from airflow_provider_inforu.triggers.voice import InforuVoiceJobTrigger

    operator.defer(
        trigger=InforuVoiceJobTrigger(
            inforu_conn_id=operator.inforu_conn_id,
            send_id=send_id,
            expected=expected,
            poll_interval=operator.poll_interval,
            deadline=time.time() + operator.calls_timeout,
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=operator.calls_timeout + BACKSTOP_SECONDS),
    )
    raise AssertionError  # defer always raises


def wait_here(operator: InforuSendOperator, hook: InforuHook, send_id: str, expected: int) -> dict[str, Any]:
    """Wait in the worker, and return what the trigger would say.

    :param operator: Whose task waits.
    :param hook: Of its connection.
    :param send_id: The send.
    :param expected: How many calls should end.
    """
    from airflow_provider_inforu.hooks.waiting import source_of, wait_until_final

    deadline = Deadline(time.time() + operator.calls_timeout, Moment.now())
    source = source_of(hook, "notifications", send_id, None)
    wait = Wait(send_id, Goal(expected), deadline)
    return wait_until_final(source, wait, operator.poll_interval).to_event()


def read_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest's ``calls``: the summary, and whether the wait was complete.

    :param event: What the trigger says.
    """
    return {**(event.get("summary") or {}), "complete": event["status"] == "success"}


def check_event(event: Mapping[str, Any]) -> None:
    """Raise where the calls have not ended.

    :param event: What the trigger says.
    :raises CallsNotEndedError: They have not.
    """
    if event["status"] != "success":
        raise CallsNotEndedError(f"{event['message']}. A retry waits again and sends nothing")
