"""A notifier that calls phones: for callbacks of tasks and DAGs, for deadlines and for human decisions."""

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

# A triggerer imports this module on its event loop, for a deadline. So what calls is imported in a thread.

COOLDOWN = timedelta(minutes=15)
THREADS = 8
"""For the deadlines of a triggerer. An alert that waits for a slow vendor keeps one of them."""
_threads = Threads(THREADS, "inforu-alert")

T = TypeVar("T")


class InforuVoiceNotifier(BaseNotifier):
    """Calls phones about what happened, once in a while however often it happens.

    Works as any callback of tasks (``on_failure_callback``, ``on_retry_callback``, …) and of DAGs, in a
    ``DeadlineAlert``, and in ``HITLOperator(notifiers=…)``. It raises nothing there: what it cannot do is an
    error in the log. Nobody is called again after an answer that never came.

    :param phones: The phones to call, at most 100: one phone, a list, or a text with commas. This argument is
        needed. Use ``"{{ var.value.on_call_phones }}"`` rather than phones in a DAG file.
    :param message: The text that is read out. None: a sentence that says what happened. The sentence also
        replaces a text that cannot be rendered. A text of more than 600 characters is cut.
    :param language: The language of that sentence: English (``en``) or Hebrew (``he``).
    :param campaign_id: An existing campaign that is played instead of a text. If it is empty or cannot be
        rendered, the sentence is read out.
    :param inforu_conn_id: The id of the connection.
    :param cooldown: How long the same people are not called again about the same subject: a timedelta or
        seconds. 0 calls each time.
    :param subject: The subject that ``cooldown`` compares. None: what happened, with the ids of the DAG and
        the task; for a decision also the question.
    :param quiet_hours: The hours in which nobody is called, such as ``22:00-07:00``, in Israel's time. None:
        no such hours.
    :param ignore_possible_sending_time: Whether the vendor ignores the sending hours that are set on its
        system. None leaves it to the vendor.
    :param context: Airflow passes it if it makes the notifier itself, for a deadline. Do not set it.
    :param unknown: There are no others.
    :raises InforuInputError: An argument is missing, unknown or invalid. For a deadline it is an error in
        the log, and the argument's default is used.
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
        # Not handed to the base class: that of Airflow 3.0 does not take it.
        self.context = cast("Context", {} if context is None else context)
        self.phones = phones
        self.message = message
        self.campaign_id = campaign_id
        self.inforu_conn_id = inforu_conn_id
        self.subject = subject
        self.ignore_possible_sending_time = ignore_possible_sending_time
        self.complaints: list[str] = []
        """Arguments of a deadline that are not heeded, for the log."""
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
            self.complaints.append(f"an argument of the notifier is not heeded: {error}")
            return default

    def __call__(self, *args: Any) -> None:  # noqa: ANN401 - as in the base class
        """Call the people, as a callback of Airflow's.

        :param args: The context.
        """
        # Not through the base class: it renders in place, so that a notifier that is used twice says the same
        # thing twice, adds the phones to the context, and lets errors out.
        self.notify(args[0] if args else self.context)

    def __await__(self) -> Generator[Any, None, None]:
        """Call the people, as an asynchronous callback of Airflow's."""
        return self.async_notify(self.context).__await__()

    def notify(self, context: Context) -> None:
        """Call the people, or say in the log why not.

        :param context: Of the callback; any part of it may be missing.
        """
        from airflow_provider_inforu.notifications.alerting import alert_about

        alert_about(self, context)

    async def async_notify(self, context: Context) -> None:
        """Do the same without blocking the event loop.

        :param context: Of the callback; any part of it may be missing.
        """
        await _threads.run(_import_what_alerts)
        from airflow_provider_inforu.notifications.alerting import alert_about_async

        await alert_about_async(self, context, _threads)

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """Return the environment in which templates are rendered: what is missing is an error.

        :param dag: The DAG; a deadline has none.
        """
        # `airflow dags test` gives the callbacks of a DAG its serialized form, which makes no environment.
        if hasattr(dag, "get_template_env"):
            return super().get_template_env(dag)
        from jinja2 import StrictUndefined

        env = super().get_template_env()
        env.undefined = StrictUndefined
        return env


def _refuse_unknown(unknown: Iterable[str]) -> None:
    if unknown:
        known = [name for name in signature(InforuVoiceNotifier).parameters if name != "context"]
        raise InforuInputError(
            f"there is no argument {', '.join(map(repr, unknown))}; there are {', '.join(known[:-1])}"
        )


def _given(phones: object) -> None:
    if phones is None:
        raise InforuInputError("phones is missing: it says whom to call")


def _check_message_or_campaign(message: object, campaign_id: object) -> None:
    if message is not None and campaign_id is not None:
        raise InforuInputError("message and campaign_id exclude each other: a campaign speaks its own text")


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
        raise InforuInputError(f"language must be one of {', '.join(LANGUAGES)}, not {language!r}")
    return cast("Language", language)


def _seconds(cooldown: timedelta | float) -> float:
    seconds = cooldown.total_seconds() if isinstance(cooldown, timedelta) else cooldown
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise InforuInputError(f"cooldown must be a timedelta or seconds, not {cooldown!r}")
    return float(seconds)


send_inforu_voice_notification = InforuVoiceNotifier
