"""An alert that is ready: it rings, or is held back, or is lost, and the log says which."""

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
from airflow_provider_inforu.hooks.advice import advice_on_sending
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.notifications.cooldown import new_cooldown
from airflow_provider_inforu.recipients.batches import digest
from airflow_provider_inforu.sending.retry_policy import RetryDecision, classify_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_inforu.notifications.alert_recipients import People
    from airflow_provider_inforu.notifications.quiet_hours import QuietHours

log = logging.getLogger(__name__)

PAUSES = (2.0, 4.0)
"""Seconds before an alert is sent again that provably did not leave, or came at a bad moment."""
ANSWER_SECONDS = 10
"""How long an alert waits for an answer at most, whatever the connection says."""
ATTEMPT_SECONDS = 2 * ANSWER_SECONDS
"""How long an attempt takes: to connect, and until the answer."""
RING_SECONDS = 36.0
"""No attempt begins that would end later: the DAG processor ends a callback after 50 seconds, wordlessly."""


@dataclass(frozen=True, slots=True)
class Alert:
    """The text of an alert and the people who hear it.

    :ivar name: What the log calls it; with no phone in it.
    :ivar subject: What it is about, as the cool-down tells it from others: it may hold anything.
    :ivar people: The people to call.
    :ivar text: What is read out; None where a campaign holds it.
    :ivar campaign_id: The campaign that is heard instead of a text.
    :ivar cooldown: Seconds in which the same people are not called again about the same subject.
    :ivar quiet_hours: When nobody is called.
    :ivar ignore_possible_sending_time: Whether the vendor ignores its sending hours.
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
    """Call the people of an alert, unless they are to be left in peace.

    :param alert: The alert.
    :param hook: Of the connection.
    :raises InforuError: The connection is not as it should be.
    """
    end = time.monotonic() + RING_SECONDS
    for left_out in alert.people.left_out:
        log.error("alert %r: left out is %s", alert.name, left_out)
    if reason := _suppression_reason(alert):
        level = logging.WARNING if alert.people.phones else logging.ERROR
        log.log(level, "alert %r: nobody was called: %s", alert.name, reason)
        return
    release = _begin_cooldown(alert, hook)
    if release is None:
        log.warning(
            "alert %r: nobody was called: held back by the cool-down: these people were called about %r, or "
            "were about to be, less than %g seconds ago",
            alert.name,
            hide_phones(alert.subject),
            alert.cooldown,
        )
        return
    _call(alert, hook, release, end)


def say_failed(name: str, error: Exception) -> None:
    """Log that an alert is lost, where that is not said yet.

    :param name: What the log calls the alert.
    :param error: Why.
    """
    if isinstance(error, InforuError):
        log.error("alert %r: nobody was called: %s", name, error)
    else:
        # Not with its words: they may hold anything.
        log.error(
            "alert %r failed unexpectedly (%s): whether people were called is not known, and they are not "
            "called again",
            name,
            type(error).__name__,
        )


def _suppression_reason(alert: Alert) -> str:
    if not alert.people.phones:
        if alert.people.left_out:
            return "none of the phones can be called"
        return "phones is empty when rendered; look at the Variable that it reads"
    if alert.quiet_hours is not None and datetime.now(UTC) in alert.quiet_hours:
        return (
            f"these are quiet hours ({alert.quiet_hours}, Israel's time), and it is not made up for when "
            "they end"
        )
    return ""


def _begin_cooldown(alert: Alert, hook: InforuHook) -> Callable[[], None] | None:
    """Return what gives the cool-down back, or None where one is under way."""
    if not alert.cooldown:
        return _nothing
    # With the token, so that nobody finds the phones by trying all of them.
    phones = sorted(alert.people.phones.values())
    key = digest([hook.settings.token, hook.inforu_conn_id, phones, alert.subject])
    try:
        return new_cooldown().take(key, alert.cooldown)
    except Exception as error:
        # Whatever a storage raises: its words may hold a password.
        log.warning(
            "alert %r: it rings, but others about the same may follow, since the cool-down could not be "
            "kept (%s): see [inforu] rate_limit_redis_url and ledger_path",
            alert.name,
            type(error).__name__,
        )
        return _nothing


def _nothing() -> None:
    """Give nothing back."""


def _call(alert: Alert, hook: InforuHook, release: Callable[[], None], end: float) -> None:
    alert_id = secrets.token_hex(8)
    calls = [
        Call(phone=phone, text=alert.text, message_id=f"{alert_id}-{place}")
        for place, phone in alert.people.phones.items()
    ]
    # Before the request: a process that is ended leaves no other trace.
    log.info("alert %r: calling %s (send_id %s)", alert.name, _count(alert), alert_id)
    try:
        receipt = _send(alert, _in_a_hurry(hook), calls, end)
    except InforuError as error:
        _say_lost(alert, error)
        if error.safe_to_resend:
            try:
                release()
            except Exception as trouble:
                log.warning("alert %r: its cool-down goes on (%s)", alert.name, type(trouble).__name__)
        return
    log.info(
        "alert %r: Inforu calls %s (send_id %s, RequestToken %s)",
        alert.name,
        _count(alert),
        alert_id,
        receipt.request_token,
    )


def _in_a_hurry(hook: InforuHook) -> InforuHook:
    """Return a hook that waits for an answer no longer than an alert can."""
    hurried = InforuHook(hook.inforu_conn_id)
    hurried.settings = replace(hook.settings, timeout=min(hook.settings.timeout, ANSWER_SECONDS))
    return hurried


def _send(alert: Alert, hook: InforuHook, calls: list[Call], end: float) -> SendReceipt:
    """Send, and once or twice more where it is proven that nobody was called and waiting may help."""
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
    what_next = f"{error}. {_advice_on(error)}".rstrip(". ")
    if error.safe_to_resend:
        log.error(
            "alert %r: nobody was called: %s. The next alert about the same rings", alert.name, what_next
        )
    else:
        log.error(
            "alert %r: %s may have been called or not, and nobody is called again: %s",
            alert.name,
            _count(alert),
            what_next,
        )


def _advice_on(error: InforuError) -> str:
    return advice_on_sending(error) if error.safe_to_resend else "The Inforu portal shows whether they were"


def _count(alert: Alert) -> str:
    number = len(alert.people.phones)
    return "1 person" if number == 1 else f"{number} people"
