"""A notifier that phones people: for callbacks of tasks and DAGs, for deadlines and for human decisions."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, Never, TypeVar, cast

from airflow.sdk.bases.notifier import BaseNotifier

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.triggers.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    import jinja2
    from airflow.sdk import DAG, Context

    from airflow_provider_inforu.notifications.quiet_hours import QuietHours
    from airflow_provider_inforu.notifications.sentences import Language

# For a deadline, a triggerer imports this module on its event loop. So the modules that call people are
# imported in a thread.

COOLDOWN = timedelta(minutes=15)
THREADS = 8
"""The most alerts that run at the same time in a triggerer, for deadlines."""
_threads = Threads(THREADS, "inforu-alert")

T = TypeVar("T")


class InforuVoiceNotifier(BaseNotifier):
    """Phone people about an event in Airflow, at most once per cool-down.

    Use it as any callback of tasks (``on_failure_callback``, ``on_retry_callback``, …) and of DAGs, in a
    ``DeadlineAlert``, and in ``HITLOperator(notifiers=…)``. There it raises no errors, but logs them. If the
    reply to its request is lost, it calls nobody again.

    :param phones: The phones to call, at most 100: one phone, a list, or a text with commas. Required. Do not
        write phones into a DAG file. Use a Variable: ``"{{ var.value.on_call_phones }}"``.
    :param message: The text to read aloud. None (default): a sentence about the event. The notifier also
        reads this sentence if the text cannot be rendered. It cuts a text after 600 characters.
    :param language: The language of the sentence: English (``en``, default) or Hebrew (``he``).
    :param campaign_id: An existing campaign to play instead of a text. If it is empty or cannot be rendered,
        the notifier reads the sentence. None (default): no campaign.
    :param inforu_conn_id: The ID of the connection (default ``inforu_default``).
    :param cooldown: The time in which the same people are not called again about the same subject: a
        timedelta or seconds (default 15 minutes). With 0, each event calls them.
    :param subject: The subject that ``cooldown`` compares. None (default): the kind of the event, with the
        IDs of the DAG and the task, and with the question of a human decision.
    :param quiet_hours: The hours in which nobody is called, such as ``22:00-07:00``, in Israel's time. None
        (default): no quiet hours.
    :param ignore_possible_sending_time: True (default): ignore the sending hours that are set in the Inforu
        portal. False: keep to them. None: the field is not sent, so Inforu decides.
    :param context: Airflow sets this argument for a deadline. Do not set it.
    :param unknown: Any other argument is an error.
    :raises InforuInputError: An argument is missing, unknown or invalid. For a deadline the notifier logs
        this error and uses the argument's default.
    """

    template_fields: Sequence[str] = ("phones", "message", "subject", "campaign_id", "inforu_conn_id")

    def __init__(
        self,
        *,
        phones: str | Sequence[str] | None = None,
        message: str | None = None,
        language: Language = "en",
        campaign_id: str | int | None = None,
        inforu_conn_id: str = "inforu_default",
        cooldown: timedelta | float = COOLDOWN,
        subject: str | None = None,
        quiet_hours: str | None = None,
        ignore_possible_sending_time: bool | None = True,
        context: Context | None = None,
        **unknown: Never,
    ) -> None:
        super().__init__()
        # Not passed to the base class, because in Airflow 3.0 it has no such parameter.
        self.context = cast("Context", {} if context is None else context)
        self.phones = phones
        self.message = message
        self.campaign_id = campaign_id
        self.inforu_conn_id = inforu_conn_id
        self.subject = subject
        self.ignore_possible_sending_time = ignore_possible_sending_time
        self.complaints: list[str] = []
        """Problems with arguments of a deadline's notifier, for the log."""
        raises = context is None
        self._checked(lambda: _refuse_unknown(unknown), None, raises=raises)
        self._checked(lambda: _given(phones), None, raises=raises)
        self._checked(lambda: _check_message_or_campaign(message, campaign_id), None, raises=raises)
        self.language: Language = self._checked(lambda: _language(language), "en", raises=raises)
        self.cooldown = self._checked(lambda: _seconds(cooldown), COOLDOWN.total_seconds(), raises=raises)
        self.quiet_hours = self._checked(lambda: _quiet_hours(quiet_hours), None, raises=raises)

    def _checked(self, read: Callable[[], T], default: T, *, raises: bool) -> T:
        try:
            return read()
        except InforuInputError as error:
            if raises:
                raise
            self.complaints.append(f"an argument of the notifier is ignored: {error}")
            return default

    def __call__(self, *args: Any) -> None:  # noqa: ANN401 - as in the base class
        """Call the people, as a callback of Airflow.

        :param args: The context of the callback.
        """
        # Not the method of the base class. It renders the fields in place, so a second event would get the
        # text of the first. It also adds the phones to the context, and raises errors.
        self.notify(args[0] if args else self.context)

    def __await__(self) -> Generator[Any, None, None]:
        """Call the people, as an asynchronous callback of Airflow."""
        return self.async_notify(self.context).__await__()

    def notify(self, context: Context) -> None:
        """Call the people, or log why nobody was called.

        :param context: The context of the callback. Any part of it may be missing.
        """
        from airflow_provider_inforu.notifications.alerting import alert_about

        alert_about(self, context)

    async def async_notify(self, context: Context) -> None:
        """Call the people, or log why nobody was called. The event loop is not blocked.

        :param context: The context of the callback. Any part of it may be missing.
        """
        await _threads.run(_import_what_alerts)
        from airflow_provider_inforu.notifications.alerting import alert_about_async

        await alert_about_async(self, context, _threads)

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """Return the Jinja environment. In it an undefined variable is an error.

        :param dag: The DAG; None for a deadline.
        """
        # `airflow dags test` passes the serialized DAG to callbacks. It has no Jinja environment.
        if hasattr(dag, "get_template_env"):
            return super().get_template_env(dag)
        from jinja2 import StrictUndefined

        env = super().get_template_env()
        env.undefined = StrictUndefined
        return env


def _refuse_unknown(unknown: Iterable[str]) -> None:
    if unknown:
        from difflib import get_close_matches

        known = [name for name in signature(InforuVoiceNotifier).parameters if name != "context"][:-1]
        names = list(unknown)
        near = get_close_matches(names[0], known, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise InforuInputError(
            f"InforuVoiceNotifier has no argument {', '.join(map(repr, names))}. {hint}"
            f"Its arguments are {', '.join(known)}"
        )


def _given(phones: object) -> None:
    if phones is None:
        raise InforuInputError("`phones` is missing. Pass the phones of the people to call")


def _check_message_or_campaign(message: object, campaign_id: object) -> None:
    if message is not None and campaign_id is not None:
        raise InforuInputError(
            "`message` and `campaign_id` are both set, but a campaign has its own recording. Set only one of "
            "them"
        )


def _import_what_alerts() -> None:
    import_module("airflow_provider_inforu.notifications.alerting")
    from airflow_provider_inforu.hooks.loading import import_what_loads

    import_what_loads()


def _quiet_hours(written: str | None) -> QuietHours | None:
    if written is None:
        return None
    from airflow_provider_inforu.notifications.quiet_hours import read_quiet_hours

    return read_quiet_hours(written)


def _language(language: str) -> Language:
    if language == "en":
        return "en"
    from airflow_provider_inforu.notifications.sentences import LANGUAGES

    if language not in LANGUAGES:
        raise InforuInputError(f"`language` must be one of {', '.join(LANGUAGES)}, not {language!r}")
    return cast("Language", language)


def _seconds(cooldown: timedelta | float) -> float:
    seconds = cooldown.total_seconds() if isinstance(cooldown, timedelta) else cooldown
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise InforuInputError(f"`cooldown` must be a timedelta or seconds from 0, not {cooldown!r}")
    return float(seconds)


send_inforu_voice_notification = InforuVoiceNotifier
