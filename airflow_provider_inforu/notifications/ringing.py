"""An alert that is ready: it rings, or is held back, or is lost, and the log says which."""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.capi.voice import Call, SendReceipt
from airflow_provider_inforu.hooks.advice import advice_on_sending
from airflow_provider_inforu.notifications.cooldown import new_cooldown
from airflow_provider_inforu.sending.answers import Verdict, judge
from airflow_provider_inforu.sending.plan import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_inforu.hooks.inforu import InforuHook
    from airflow_provider_inforu.notifications.people import People
    from airflow_provider_inforu.notifications.quiet_hours import QuietHours

log = logging.getLogger(__name__)

PAUSES = (2.0, 4.0)
"""Seconds before an alert is sent again that provably did not leave, or came at a bad moment."""
PATIENCE = 10.0
"""Later than that nothing is sent again: the DAG processor ends what runs for 50 seconds."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What is to be said to whom.

    :ivar subject: What it is about; names it in the log, and in the cool-down.
    :ivar people: Whom to call.
    :ivar text: What is read out; None where a campaign holds it.
    :ivar campaign_id: The campaign that is heard instead of a text.
    :ivar cooldown: Seconds in which the same people are not called again about the same subject.
    :ivar quiet_hours: When nobody is called.
    :ivar ignore_possible_sending_time: Whether the vendor ignores its sending hours.
    """

    subject: str
    people: People
    text: str | None = field(repr=False)
    campaign_id: str | int | None
    cooldown: float
    quiet_hours: QuietHours | None
    ignore_possible_sending_time: bool | None

    @property
    def name(self) -> str:
        """What the log calls it."""
        return hide_phones(self.subject)


def ring(alert: Alert, hook: InforuHook) -> None:
    """Call the people of an alert, unless they are to be left in peace.

    :param alert: The alert.
    :param hook: Of the connection.
    :raises InforuError: The connection is not as it should be.
    """
    for left_out in alert.people.left_out:
        log.error("alert %r: left out is %s", alert.name, left_out)
    if not alert.people.phones:
        log.error("alert %r: nobody was called, since phones names nobody who can be", alert.name)
        return
    if alert.quiet_hours is not None and datetime.now(UTC) in alert.quiet_hours:
        log.warning("alert %r: nobody was called, since these are quiet hours", alert.name)
        return
    give_back = _begin_cooldown(alert, hook)
    if give_back is None:
        log.warning(
            "alert %r: nobody was called, since the same people were about to be called about the same less "
            "than %g seconds ago",
            alert.name,
            alert.cooldown,
        )
        return
    _call(alert, hook, give_back)


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


def _call(alert: Alert, hook: InforuHook, give_back: Callable[[], None]) -> None:
    alert_id = secrets.token_hex(8)
    calls = [
        Call(phone=phone, text=alert.text, message_id=f"{alert_id}-{place}")
        for place, phone in alert.people.phones.items()
    ]
    try:
        receipt = _send(alert, hook, calls)
    except InforuError as error:
        _say_lost(alert, error)
        if error.safe_to_resend:
            try:
                give_back()
            except Exception as trouble:
                log.warning("alert %r: its cool-down goes on (%s)", alert.name, type(trouble).__name__)
        return
    log.info(
        "alert %r: %d people are called (send_id %s, RequestToken %s)",
        alert.name,
        receipt.calls,
        alert_id,
        receipt.request_token,
    )


def _send(alert: Alert, hook: InforuHook, calls: list[Call]) -> SendReceipt:
    """Send, and once or twice more where it is proven that nobody was called and waiting may help."""
    began = time.monotonic()
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
            late = time.monotonic() - began > PATIENCE
            if judge(error) is not Verdict.WAIT or pause is None or late:
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
            "alert %r: %d people may have been called or not, and are not called again: %s",
            alert.name,
            len(alert.people.phones),
            what_next,
        )


def _advice_on(error: InforuError) -> str:
    return advice_on_sending(error) if error.safe_to_resend else "The Inforu portal shows whether they were"
