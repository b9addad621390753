"""Build an alert from a notifier and the context of a callback, and send it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.hooks.settings import unreadable_named
from airflow_provider_inforu.notifications.alert_recipients import read_people
from airflow_provider_inforu.notifications.alert_rendering import Rendering, Templated
from airflow_provider_inforu.notifications.alert_sender import Alert, say_failed, send_alert
from airflow_provider_inforu.notifications.callback_event import CallbackEvent, Kind, read_event
from airflow_provider_inforu.notifications.sentences import cut_to_hear, sentence_on

if TYPE_CHECKING:
    from airflow_provider_inforu.notifications.quiet_hours import QuietHours
    from airflow_provider_inforu.notifications.sentences import Language
    from airflow_provider_inforu.triggers.threads import Threads

log = logging.getLogger(__name__)


class AlertSettings(Templated, Protocol):
    """The part of a notifier that an alert needs."""

    complaints: list[str]
    language: Language
    cooldown: float
    quiet_hours: QuietHours | None
    ignore_possible_sending_time: bool | None


def alert_about(notifier: AlertSettings, context: object) -> None:
    """Call the people of a notifier, or log why nobody was called.

    :param notifier: The notifier.
    :param context: The context of the callback. Any part of it may be missing.
    """
    event = _read_event(notifier, context)
    try:
        alert, hook = _prepare(notifier, event, context)
        with unreadable_named(hook.inforu_conn_id):
            hook.settings  # noqa: B018 - read here, so that an error names the connection
        send_alert(alert, hook)
    except Exception as error:
        say_failed(event.name, error)


async def alert_about_async(notifier: AlertSettings, context: object, threads: Threads) -> None:
    """Call the people of a notifier, or log why nobody was called. The event loop is not blocked.

    :param notifier: The notifier.
    :param context: The context of the callback. Any part of it may be missing.
    :param threads: The threads for blocking code.
    """
    event = await threads.run(_read_event, notifier, context)
    try:
        alert, hook = await threads.run(_prepare, notifier, event, context)
        with unreadable_named(hook.inforu_conn_id):
            await hook.load_settings()
        await threads.run(send_alert, alert, hook)
    except Exception as error:
        say_failed(event.name, error)


def _read_event(notifier: AlertSettings, context: object) -> CallbackEvent:
    try:
        return read_event(_values(context), notifier)
    except Exception as error:
        # Reading an entry of the context may send a request to Airflow.
        log.warning(
            "The event could not be read from the context (%s). The alert is sent without details",
            type(error).__name__,
        )
        return CallbackEvent(Kind.UNKNOWN)


def _prepare(notifier: AlertSettings, event: CallbackEvent, context: object) -> tuple[Alert, InforuHook]:
    """Return the alert and the hook of the connection."""
    for complaint in notifier.complaints:
        log.error("alert %r: %s", event.name, complaint)
    rendering = Rendering(notifier, _values(context), event.name)
    campaign_id = rendering.campaign()
    alert = Alert(
        name=event.name,
        subject=rendering.text("subject", event.subject),
        people=read_people(rendering.value("phones")),
        text=None if campaign_id else _read_text(notifier, rendering, event),
        campaign_id=campaign_id,
        cooldown=notifier.cooldown,
        quiet_hours=notifier.quiet_hours,
        ignore_possible_sending_time=notifier.ignore_possible_sending_time,
    )
    return alert, InforuHook(str(rendering.value("inforu_conn_id")))


def _read_text(notifier: AlertSettings, rendering: Rendering, event: CallbackEvent) -> str:
    text = rendering.text("message", sentence_on(event, notifier.language)).strip()
    shortened = cut_to_hear(text)
    if shortened != text:
        log.warning(
            "alert %r: the message is too long (%d characters). It is cut after a sentence, to %d characters",
            event.name,
            len(text),
            len(shortened),
        )
    return shortened


def _values(context: object) -> Mapping[str, Any]:
    return context if isinstance(context, Mapping) else {}
