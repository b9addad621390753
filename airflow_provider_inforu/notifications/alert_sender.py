"""Send a rendered alert or suppress it, and log the result."""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.capi.voice import Call, SendReceipt
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.notifications.cooldown import new_cooldown
from airflow_provider_inforu.recipients.batches import digest
from airflow_provider_inforu.sending.advice import advice_on_sending
from airflow_provider_inforu.sending.retry_policy import RetryDecision, classify_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_inforu.notifications.alert_recipients import People
    from airflow_provider_inforu.notifications.quiet_hours import QuietHours

log = logging.getLogger(__name__)

PAUSES = (2.0, 4.0)
"""Seconds before the second and the third attempt, if nobody was called and a later attempt may succeed."""
ANSWER_SECONDS = 10
"""The longest wait for a response in seconds. A shorter ``timeout`` of the connection applies."""
ATTEMPT_SECONDS = 2 * ANSWER_SECONDS
"""The longest attempt in seconds: connecting and the response."""
RING_SECONDS = 36.0
"""Seconds in which all attempts must end. The DAG processor kills a callback silently after 50 seconds."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A rendered alert: its text or campaign, and its people.

    :ivar name: The name in the log, without phones.
    :ivar subject: The subject that the cool-down compares. It may contain any text.
    :ivar people: The people to call.
    :ivar text: The text to read; None if a campaign is played.
    :ivar campaign_id: The campaign to play; None if a text is read.
    :ivar cooldown: Seconds in which the same people are not called again about the same subject.
    :ivar quiet_hours: The hours in which nobody is called; None for no such hours.
    :ivar ignore_possible_sending_time: Whether Inforu ignores the sending hours that are set in its portal;
        None if Inforu decides.
    """

    name: str
    subject: str = field(repr=False)
    people: People
    text: str | None = field(repr=False)
    campaign_id: str | None
    cooldown: float
    quiet_hours: QuietHours | None
    ignore_possible_sending_time: bool | None


def send_alert(alert: Alert, hook: InforuHook) -> None:
    """Call the people of an alert, unless quiet hours or a cool-down suppress it.

    :param alert: The alert.
    :param hook: The hook of the connection.
    :raises InforuError: The connection is missing or invalid.
    """
    end = time.monotonic() + RING_SECONDS
    for left_out in alert.people.left_out:
        log.error("alert %r: skipped %s", alert.name, left_out)
    if reason := _suppression_reason(alert):
        level = logging.WARNING if alert.people.phones else logging.ERROR
        log.log(level, "alert %r: nobody was called: %s", alert.name, reason)
        return
    release = _begin_cooldown(alert, hook)
    if release is None:
        log.warning(
            "alert %r: nobody was called because of the cool-down: another alert about %r to these people "
            "began less than %g seconds ago",
            alert.name,
            hide_phones(alert.subject),
            alert.cooldown,
        )
        return
    _call(alert, hook, release, end)


def say_failed(name: str, error: Exception) -> None:
    """Log that an alert failed.

    :param name: The name of the alert in the log.
    :param error: The error that stopped it.
    """
    if isinstance(error, InforuError):
        log.error("alert %r: nobody was called: %s", name, error)
    else:
        # Only the type of the error, because its text may contain phones or secrets.
        log.error(
            "alert %r: unexpected error (%s). It is unknown whether people were called. They are not called "
            "again",
            name,
            type(error).__name__,
        )


def _suppression_reason(alert: Alert) -> str:
    if not alert.people.phones:
        if alert.people.left_out:
            return "all phones are invalid. Correct `phones`"
        return "`phones` rendered to an empty value. Check the Variable in it"
    if alert.quiet_hours is not None and datetime.now(UTC) in alert.quiet_hours:
        return (
            f"these are quiet hours ({alert.quiet_hours}, Israel's time). The alert is not sent later, either"
        )
    return ""


def _begin_cooldown(alert: Alert, hook: InforuHook) -> Callable[[], None] | None:
    """Begin a cool-down: return a function that releases it, or None if another one has not ended."""
    if not alert.cooldown:
        return _nothing
    # The token is part of the key, so that nobody can find the phones by hashing all possible phones.
    phones = sorted(alert.people.phones.values())
    key = digest([hook.settings.token, hook.inforu_conn_id, phones, alert.subject])
    try:
        return new_cooldown().take(key, alert.cooldown)
    except Exception as error:
        # Only the type of the error, because its text may contain a password.
        log.warning(
            "alert %r: the cool-down could not be stored (%s). The people are called, and further alerts may "
            "call them again. Check [inforu] rate_limit_redis_url and ledger_path",
            alert.name,
            type(error).__name__,
        )
        return _nothing


def _nothing() -> None:
    """Release no cool-down."""


def _call(alert: Alert, hook: InforuHook, release: Callable[[], None], end: float) -> None:
    alert_id = secrets.token_hex(8)
    calls = [
        Call(phone=phone, text=alert.text, message_id=f"{alert_id}-{place}")
        for place, phone in alert.people.phones.items()
    ]
    # Logged before the request, because a killed process logs nothing later.
    log.info("alert %r: calling %s (send_id %s)", alert.name, _count(alert), alert_id)
    try:
        receipt = _send(alert, _in_a_hurry(hook), calls, end)
    except InforuError as error:
        _say_lost(alert, error)
        if error.safe_to_resend:
            try:
                release()
            except Exception as release_error:
                log.warning(
                    "alert %r: the cool-down could not be released (%s), so it continues",
                    alert.name,
                    type(release_error).__name__,
                )
        return
    log.info(
        "alert %r: Inforu accepted the calls to %s (send_id %s, RequestToken %s)",
        alert.name,
        _count(alert),
        alert_id,
        receipt.request_token,
    )


def _in_a_hurry(hook: InforuHook) -> InforuHook:
    """Return a hook with a timeout of at most `ANSWER_SECONDS`."""
    hurried = InforuHook(hook.inforu_conn_id)
    hurried.settings = replace(hook.settings, timeout=min(hook.settings.timeout, ANSWER_SECONDS))
    return hurried


def _send(alert: Alert, hook: InforuHook, calls: list[Call], end: float) -> SendReceipt:
    """Send the request. Repeat it up to twice if nobody was called and a later attempt may succeed."""
    pauses = iter(PAUSES)
    while True:
        try:
            if alert.campaign_id is None:
                return hook.send_text_to_speech(
                    calls, ignore_possible_sending_time=alert.ignore_possible_sending_time
                )
            return hook.send_existing_campaign(
                alert.campaign_id,
                calls,
                ignore_possible_sending_time=alert.ignore_possible_sending_time,
            )
        except InforuError as error:
            pause = next(pauses, None)
            if classify_error(error) is not RetryDecision.WAIT or pause is None:
                raise
            if time.monotonic() + pause + ATTEMPT_SECONDS > end:
                raise
            time.sleep(pause)


def _say_lost(alert: Alert, error: InforuError) -> None:
    problem = f"{error}. {_advice_on(error)}".rstrip(". ")
    if error.safe_to_resend:
        log.error(
            "alert %r: nobody was called: %s. The next alert about this subject calls them",
            alert.name,
            problem,
        )
    else:
        log.error(
            "alert %r: the calls to %s are in doubt: %s. Nobody is called again",
            alert.name,
            _count(alert),
            problem,
        )


def _advice_on(error: InforuError) -> str:
    if error.safe_to_resend:
        return advice_on_sending(error)
    return "Check in the Inforu portal whether they were called"


def _count(alert: Alert) -> str:
    number = len(alert.people.phones)
    return "1 person" if number == 1 else f"{number} people"
