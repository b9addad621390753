"""A notifier that calls phones: for callbacks of tasks and DAGs, for deadlines and for human decisions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.providers.common.compat.notifier import BaseNotifier

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.hooks.settings import unreadable_named
from airflow_provider_inforu.notifications.occasion import Kind, Occasion, occasion_of
from airflow_provider_inforu.notifications.people import People, read_people
from airflow_provider_inforu.notifications.quiet_hours import read_quiet_hours
from airflow_provider_inforu.notifications.ringing import Alert, ring
from airflow_provider_inforu.notifications.sentences import LANGUAGES, Language, cut_to_hear, sentence_on

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import DAG, Context

log = logging.getLogger(__name__)

COOLDOWN = timedelta(minutes=15)

T = TypeVar("T")


class InforuVoiceNotifier(BaseNotifier):
    """Calls phones about what happened, once in a while however often it happens.

    Works as any callback of tasks (``on_failure_callback``, ``on_retry_callback``, …) and of DAGs, in a
    ``DeadlineAlert``, and in ``HITLOperator(notifiers=…)``. It raises nothing there: what it cannot do is an
    error in the log. Nobody is called again after an answer that never came.

    :param phones: Whom to call, at most 100: a phone, a list of them, or a text with commas (templated).
        Better ``"{{ var.value.on_call_phones }}"`` than phones in a DAG file.
    :param message: What is read to them (templated). By default a sentence that says what happened. One that
        cannot be rendered is replaced by that sentence, and one of more than 600 characters is cut.
    :param language: The language of that sentence: ``en`` (default) or ``he``.
    :param campaign_id: A campaign that exists, which they hear instead of a message (templated).
    :param inforu_conn_id: The connection (``inforu_default``, templated).
    :param cooldown: For how long the same people are not called again about the same subject: a timedelta
        or seconds (15 minutes); 0 calls each time.
    :param subject: What counts as the same (templated). By default what happened, and the ids of DAG and
        task.
    :param quiet_hours: When nobody is called, such as ``22:00-07:00``, in Israel's time; by default never.
    :param ignore_possible_sending_time: Let the vendor ignore the sending hours that are set on its system
        (True): an alert is for now. None leaves it to the vendor.
    :param context: Given by Airflow where it makes the notifier itself, for a deadline.
    :raises InforuInputError: An argument cannot be. For a deadline it is an error in the log, and the
        argument's default holds.
    """

    template_fields: Sequence[str] = ("phones", "message", "subject", "campaign_id", "inforu_conn_id")

    def __init__(
        self,
        *,
        phones: str | Sequence[str],
        message: str | None = None,
        language: Language = "en",
        campaign_id: str | int | None = None,
        inforu_conn_id: str = InforuHook.default_conn_name,
        cooldown: timedelta | float = COOLDOWN,
        subject: str | None = None,
        quiet_hours: str | None = None,
        ignore_possible_sending_time: bool | None = True,
        context: Context | None = None,
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
        self._complaints: list[str] = []
        raises = context is None
        self._checked(lambda: _one_of(message, campaign_id), None, raises=raises)
        self.language: Language = self._checked(lambda: _language(language), "en", raises=raises)
        self.cooldown = self._checked(lambda: _seconds(cooldown), COOLDOWN.total_seconds(), raises=raises)
        self.quiet_hours = self._checked(lambda: read_quiet_hours(quiet_hours), None, raises=raises)

    def _checked(self, read: Callable[[], T], default: T, *, raises: bool) -> T:
        try:
            return read()
        except InforuInputError as error:
            if raises:
                raise
            self._complaints.append(str(error))
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
        try:
            alert, conn_id = self._prepare(context)
            hook = InforuHook(conn_id)
            with unreadable_named(conn_id):
                hook.settings  # noqa: B018 - read here, where what goes wrong is the connection's
            ring(alert, hook)
        except Exception as error:
            self._say_failed(error)

    async def async_notify(self, context: Context) -> None:
        """Do the same without blocking the event loop.

        :param context: Of the callback; any part of it may be missing.
        """
        from airflow_provider_inforu.triggers.shared import in_thread

        try:
            alert, conn_id = await in_thread(self._prepare, context)
            hook = InforuHook(conn_id)
            with unreadable_named(conn_id):
                await hook.load_settings()
            await in_thread(ring, alert, hook)
        except Exception as error:
            self._say_failed(error)

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """Return the environment in which templates are rendered: what is missing is an error.

        :param dag: The DAG; a deadline has none.
        """
        env = super().get_template_env(dag)
        if dag is None:
            from jinja2 import StrictUndefined

            env.undefined = StrictUndefined
        return env

    def _prepare(self, context: Context) -> tuple[Alert, str]:
        """Return what to say to whom, and the connection."""
        for complaint in self._complaints:
            log.error("an argument of the notifier cannot be, and its default holds: %s", complaint)
        values: Mapping[str, Any] = context if isinstance(context, Mapping) else {}
        occasion = self._occasion(values)
        values = _with_variables(values)
        campaign_id = self._rendered("campaign_id", values)
        alert = Alert(
            subject=hide_phones(str(self._rendered_or("subject", values, occasion.subject))),
            people=self._people(values),
            text=None if campaign_id else self._text(values, occasion),
            campaign_id=campaign_id or None,
            cooldown=self.cooldown,
            quiet_hours=self.quiet_hours,
            ignore_possible_sending_time=self.ignore_possible_sending_time,
        )
        return alert, str(self._rendered("inforu_conn_id", values))

    def _occasion(self, values: Mapping[str, Any]) -> Occasion:
        try:
            return occasion_of(values, self)
        except Exception as error:
            # An entry may ask Airflow when it is read.
            log.warning("what happened could not be read from the context (%s)", type(error).__name__)
            return Occasion(Kind.UNKNOWN)

    def _people(self, values: Mapping[str, Any]) -> People:
        return read_people(self._rendered("phones", values))

    def _text(self, values: Mapping[str, Any], occasion: Occasion) -> str:
        text = str(self._rendered_or("message", values, sentence_on(occasion, self.language))).strip()
        heard = cut_to_hear(text)
        if heard != text:
            log.warning(
                "the message has %d characters, and is cut at a sentence: the first %d are read",
                len(text),
                len(heard),
            )
        return heard

    def _rendered_or(self, field: str, values: Mapping[str, Any], default: str) -> object:
        """Return a field, or the default where it is empty or cannot be rendered."""
        if getattr(self, field) is None:
            return default
        try:
            rendered = self._rendered(field, values)
            trouble = "" if str(rendered or "").strip() else f"the {field} is empty when rendered"
        except InforuInputError as error:
            rendered, trouble = default, str(error)
        if not trouble:
            return rendered
        log.error("%s; instead it is %r", trouble, default)
        return default

    def _rendered(self, field: str, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the template says
        """Return a field as rendered; the field itself stays as it is, for the next callback."""
        value, dag = getattr(self, field), values.get("dag")
        try:
            return self.render_template(value, cast("Context", values), self.get_template_env(dag))
        except Exception as error:
            # Its traceback would show the template.
            raise InforuInputError(
                f"the {field} could not be rendered ({type(error).__name__}: {hide_phones(str(error))})"
            ) from None

    def _say_failed(self, error: Exception) -> None:
        if isinstance(error, InforuError):
            log.error("nobody was called about what happened: %s", error)
        else:
            # Not with its words: they may hold anything.
            log.error(
                "an alert failed unexpectedly (%s): whether people were called is not known, and they are "
                "not called again",
                type(error).__name__,
            )


def _with_variables(values: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a copy of the context in which templates find Airflow's Variables: a deadline's has none."""
    copy = dict(values.items())
    if "var" not in copy:
        from airflow.sdk.execution_time.context import VariableAccessor

        copy["var"] = {
            "value": VariableAccessor(deserialize_json=False),
            "json": VariableAccessor(deserialize_json=True),
        }
    return copy


def _one_of(message: object, campaign_id: object) -> None:
    if message is not None and campaign_id is not None:
        raise InforuInputError("message and campaign_id exclude each other: a campaign speaks its own text")


def _language(language: str) -> Language:
    if language not in LANGUAGES:
        raise InforuInputError(f"language must be one of {', '.join(LANGUAGES)}, not {language!r}")
    return cast("Language", language)


def _seconds(cooldown: timedelta | float) -> float:
    seconds = cooldown.total_seconds() if isinstance(cooldown, timedelta) else cooldown
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise InforuInputError(f"cooldown must be a timedelta or seconds, not {cooldown!r}")
    return float(seconds)


send_inforu_voice_notification = InforuVoiceNotifier
