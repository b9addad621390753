"""From the context of a callback to an alert that rings."""

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
    """The part of a notifier that an alert is made of."""

    complaints: list[str]
    language: Language
    cooldown: float
    quiet_hours: QuietHours | None
    ignore_possible_sending_time: bool | None


def alert_about(notifier: AlertSettings, context: object) -> None:
    """Call the people of a notifier, or say in the log why not.

    :param notifier: The notifier.
    :param context: Of the callback; any part of it may be missing.
    """
    occasion = _read_occasion(notifier, context)
    try:
        alert, hook = _prepare(notifier, occasion, context)
        with unreadable_named(hook.inforu_conn_id):
            hook.settings  # noqa: B018 - read here, where what goes wrong is the connection's
        send_alert(alert, hook)
    except Exception as error:
        say_failed(occasion.name, error)


async def alert_about_async(notifier: AlertSettings, context: object, threads: Threads) -> None:
    """Do the same without blocking the event loop.

    :param notifier: The notifier.
    :param context: Of the callback; any part of it may be missing.
    :param threads: In which it is done.
    """
    occasion = await threads.run(_read_occasion, notifier, context)
    try:
        alert, hook = await threads.run(_prepare, notifier, occasion, context)
        with unreadable_named(hook.inforu_conn_id):
            await hook.load_settings()
        await threads.run(send_alert, alert, hook)
    except Exception as error:
        say_failed(occasion.name, error)


def _read_occasion(notifier: AlertSettings, context: object) -> CallbackEvent:
    try:
        return read_event(_values(context), notifier)
    except Exception as error:
        # An entry may ask Airflow when it is read.
        log.warning("what happened could not be read from the context (%s)", type(error).__name__)
        return CallbackEvent(Kind.UNKNOWN)


def _prepare(notifier: AlertSettings, occasion: CallbackEvent, context: object) -> tuple[Alert, InforuHook]:
    """Return the alert and the hook of the connection."""
    for complaint in notifier.complaints:
        log.error("alert %r: %s", occasion.name, complaint)
    rendering = Rendering(notifier, _values(context), occasion.name)
    campaign_id = rendering.campaign()
    alert = Alert(
        name=occasion.name,
        subject=rendering.text("subject", occasion.subject),
        people=read_people(rendering.value("phones")),
        text=None if campaign_id else _read_text(notifier, rendering, occasion),
        campaign_id=campaign_id,
        cooldown=notifier.cooldown,
        quiet_hours=notifier.quiet_hours,
        ignore_possible_sending_time=notifier.ignore_possible_sending_time,
    )
    return alert, InforuHook(str(rendering.value("inforu_conn_id")))


def _read_text(notifier: AlertSettings, rendering: Rendering, occasion: CallbackEvent) -> str:
    text = rendering.text("message", sentence_on(occasion, notifier.language)).strip()
    heard = cut_to_hear(text)
    if heard != text:
        log.warning(
            "alert %r: the message has %d characters, and is cut at a sentence: the first %d are read",
            occasion.name,
            len(text),
            len(heard),
        )
    return heard


def _values(context: object) -> Mapping[str, Any]:
    return context if isinstance(context, Mapping) else {}
