"""What both operators share: one way from rows to requests to a manifest."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.operators.arguments import read_flag
from airflow_provider_inforu.operators.ledger import (
    life_of,
    no_retry_on_ledger_errors,
    refuse_if_forgotten,
    store_of,
)
from airflow_provider_inforu.operators.limits import limits_of
from airflow_provider_inforu.operators.rows import HiddenRows
from airflow_provider_inforu.sending.batch_state import Event
from airflow_provider_inforu.sending.dispatch import Dispatch, SendBatch
from airflow_provider_inforu.sending.ledger import Header, Ledger, open_ledger, read_ledger
from airflow_provider_inforu.sending.manifest import build_manifest
from airflow_provider_inforu.sending.plan import check_plan, digest, plan_batches
from airflow_provider_inforu.sending.recipients import (
    InvalidRecipients,
    OnDuplicate,
    RecipientList,
    RecipientRules,
    group_by_reason,
    read_recipients,
)
from airflow_provider_inforu.sending.report import Report
from airflow_provider_inforu.sending.stores import MemoryStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.sending.ledger import LedgerStore
    from airflow_provider_inforu.sending.plan import Batch

InDoubt = Literal["fail", "accept", "resend"]

HOW_TO_SETTLE = (
    "Look at the campaign in the Inforu portal. Then settle them with `airflow inforu sends resolve`, or set "
    "in_doubt='accept' to take them as called or in_doubt='resend' to call them again; and clear the task. "
    "Nobody else is called twice"
)

NO_LEDGER = (
    "This version of Airflow keeps no state for tasks, and [inforu] ledger_path is not set, so a retry could "
    "not tell whom this try called, and there is none. Run the task for those who are left, in a new DAG run"
)


KILLED = InforuError("the task was killed")


class SendStoppedError(InforuError):
    """A send that is not done; a retry goes on where it stopped."""


class InforuSendOperator(BaseOperator):
    """What both operators share: recipients in, one request for each 100 of them, a manifest out.

    Bad rows and arguments fail the task before anything is sent. Each request is written down in a ledger
    before it leaves, so a retry goes on where an earlier try stopped, and a task that is cleared after it has
    sent calls nobody. A request whose answer is lost leaves its people in doubt: they are not called again
    unless you say so.

    :param recipients: A list of phones, a list of mappings, or the output of an upstream task that is one.
    :param phone_field: The field of a mapping that holds the phone (``phone``).
    :param key_field: The field that names a person in logs and results; by default the row's number, from 1.
    :param ignore_possible_sending_time: Ignore the sending hours that are set on the vendor's system.
    :param inforu_conn_id: The connection (``inforu_default``).
    :param invalid_recipients: ``fail`` (default) the task before anything is sent when a row cannot be
        called, or ``skip`` such rows; the log names their keys and reasons.
    :param on_duplicate: A phone that came before is skipped (``skip``, default), called again (``send``), or
        fails the task before anything is sent (``fail``).
    :param in_doubt: What to do when it is not known whether people were called: ``fail`` (default) without a
        retry, naming them; ``accept`` them as called; or ``resend``, which may call them twice.
    :param max_in_flight: The most requests at a time (32). How many there really are follows from the rate
        and from how long an answer takes.
    :param resend: Call everybody again when the task is cleared (False). Templated, so that a param of the
        run can say it. A retry of the cleared task still calls nobody twice.
    :param data_options: Fields of the vendor's that have no argument here, put beside ``List``.
    :param call_options: Fields of the vendor's that have no argument here, put into each call.
    :return: The manifest: ``send_id``, ``function``, ``recipients``, ``accepted``, ``rejected``,
        ``in_doubt``, ``skipped``, ``campaign_ids``, ``requests`` and ``calls``.
    """

    template_fields: Sequence[str] = (
        "recipients",
        "phone_field",
        "key_field",
        "inforu_conn_id",
        "ignore_possible_sending_time",
        "resend",
        "data_options",
        "call_options",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"data_options": "json", "call_options": "json"}
    ui_color = "#d9ead3"
    function: str
    """The vendor's function."""

    def __init__(
        self,
        *,
        recipients: Iterable[Any],
        phone_field: str = "phone",
        key_field: str | None = None,
        ignore_possible_sending_time: bool | str | None = None,
        inforu_conn_id: str = InforuHook.default_conn_name,
        invalid_recipients: InvalidRecipients = "fail",
        on_duplicate: OnDuplicate = "skip",
        in_doubt: InDoubt = "fail",
        max_in_flight: int = 32,
        resend: bool | str = False,
        data_options: Mapping[str, Any] | None = None,
        call_options: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - to BaseOperator
    ) -> None:
        super().__init__(**kwargs)
        self.recipients: Any = recipients
        self.phone_field = phone_field
        self.key_field = key_field
        self.ignore_possible_sending_time = ignore_possible_sending_time
        self.inforu_conn_id = inforu_conn_id
        self.invalid_recipients = invalid_recipients
        self.on_duplicate = on_duplicate
        self.in_doubt = in_doubt
        self.max_in_flight = max_in_flight
        self.resend = resend
        self.data_options = data_options
        self.call_options = call_options

    _running: Dispatch | None = None
    _is_killed = False

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - as Airflow has it
        template_fields: Iterable[str],
        context: Context,
        jinja_env: Any,  # noqa: ANN401 - a jinja2.Environment
        seen_oids: set[int],
    ) -> None:
        # Mapped tasks are rendered through this method only, so it is the one place to hide the rows. And
        # Airflow would log them where a template in them is wrong.
        if parent is not self:
            super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
            return
        others = [name for name in template_fields if name != "recipients"]
        super()._do_render_template_fields(parent, others, context, jinja_env, seen_oids)
        if isinstance(self.recipients, HiddenRows):
            return
        try:
            rows = self.render_template(self.recipients, context, jinja_env, seen_oids)
        except Exception as error:
            raise InforuInputError(
                f"the recipients cannot be rendered ({type(error).__name__}): nothing was sent"
            ) from None
        self.recipients = HiddenRows(rows)

    def execute(self, context: Context) -> dict[str, Any]:
        """Send what the ledger does not have yet, and return the manifest.

        :raises InforuError: Something is left to do, and a retry goes on from there.
        :raises AirflowFailException: Somebody is in doubt, or was rejected; the message says who.
        """
        self._check_arguments()
        resend = read_flag("resend", self.resend)
        store = store_of(context, resend=resend or self.in_doubt == "resend")
        if not resend:
            with no_retry_on_ledger_errors():
                refuse_if_forgotten(store, context["ti"].try_number)
        hook = InforuHook(self.inforu_conn_id)
        settings = hook.settings
        listed = self._read_rows()
        batches = plan_batches(listed.recipients)
        ledger = self._open_ledger(context, store, settings, batches)
        if batches:
            self._dispatch(hook, ledger, batches)
        manifest = build_manifest(
            send_id=ledger.header.send_id,
            function=self.function,
            batches=batches,
            records=ledger.records,
            skipped=len(listed.skipped),
        )
        report = Report(ledger.header.send_id, batches, ledger.records)
        self._name(report)
        if report.rejected or (report.in_doubt and self.in_doubt != "accept"):
            self._fail(context, report, manifest)
        return manifest

    def _read_rows(self) -> RecipientList:
        rows = self.recipients.rows if isinstance(self.recipients, HiddenRows) else self.recipients
        listed = read_recipients(rows, self._rules())
        self.log.info("recipients: %d to call, %d skipped", len(listed.recipients), len(listed.skipped))
        if listed.skipped:
            self.log.warning("skipped because %s", group_by_reason(listed.skipped))
        return listed

    def _open_ledger(
        self, context: Context, store: LedgerStore, settings: InforuSettings, batches: Sequence[Batch]
    ) -> Ledger:
        header = Header(
            send_id=secrets.token_hex(8),
            plan=digest([self.function, self.inforu_conn_id, settings.username, *self._plan()]),
            batches=len(batches),
            recipients=sum(len(batch.recipients) for batch in batches),
            life=life_of(context),
        )
        with no_retry_on_ledger_errors():
            if not batches and read_ledger(store) is None:
                self.log.info("There is nobody to call")
                return Ledger(MemoryStore(), "", header, {})
            ledger = open_ledger(store, header, resend=read_flag("resend", self.resend))
            check_plan(ledger, batches)
            if self.in_doubt == "resend":
                ledger.write([[Event.WITHDRAW, number] for number in ledger.in_doubt()])
        return ledger

    def _dispatch(self, hook: InforuHook, ledger: Ledger, batches: Sequence[Batch]) -> None:
        unsent = [batch for batch in batches if batch.number not in ledger.records]
        send_id = ledger.header.send_id
        self.log.info("send %s: requests to make: %d of %d", send_id, len(unsent), len(batches))
        self._running = Dispatch(
            ledger,
            unsent,
            self._sender(hook, ledger),
            limits_of(hook.settings, self.max_in_flight),
            first_alone=self._first_alone,
        )
        if self._is_killed:
            self._running.stop(KILLED)
        try:
            self._running.run()
        except BaseException:
            self._name(Report(send_id, batches, ledger.records))
            raise
        report = Report(send_id, batches, ledger.records)
        if report.unsent:
            self._name(report, unsent=not ledger.is_durable)
            message = f"connection {self.inforu_conn_id!r}, {report.describe(self._running.stopped_by)}"
            if not ledger.is_durable:
                raise AirflowFailException(f"{message}. {NO_LEDGER}")
            raise SendStoppedError(f"{message}. The next try goes on from there and calls nobody twice")

    def _name(self, report: Report, *, unsent: bool = False) -> None:
        """Write the keys of all whose call is not certain into the log, however many they are."""
        for keys in report.lines_of_keys(report.in_doubt):
            self.log.warning("in doubt, they may ring or not: %s", keys)
        for keys in report.lines_of_keys(report.unsent if unsent else []):
            self.log.warning("not sent: %s", keys)

    def _fail(self, context: Context, report: Report, manifest: dict[str, Any]) -> None:
        message = report.describe()
        if not report.in_doubt:
            context["ti"].xcom_push(key="return_value", value=manifest)
            raise AirflowFailException(message)
        if self.in_doubt == "resend":
            raise SendStoppedError(
                f"{message}. The next try calls those in doubt again, as in_doubt='resend' says"
            )
        context["ti"].xcom_push(key="return_value", value=manifest)
        raise AirflowFailException(f"{message}. {HOW_TO_SETTLE}")

    def on_kill(self) -> None:
        """Send no more; what is in flight is waited for and written down. Nothing can be cancelled."""
        self.log.warning("The task was killed. Calls that the vendor has accepted cannot be cancelled")
        self._is_killed = True
        if self._running:
            self._running.stop(KILLED)

    def _rules(self) -> RecipientRules:
        return RecipientRules(
            phone_field=self.phone_field,
            key_field=self.key_field,
            speaks=False,
            invalid_recipients=self.invalid_recipients,
            on_duplicate=self.on_duplicate,
        )

    def _check_arguments(self) -> None:
        """Raise InforuInputError for what is wrong before anything is sent."""
        read_flag("resend", self.resend)
        self._ignores_sending_time()
        for name, value in (("phone_field", self.phone_field), ("key_field", self.key_field or "")):
            if not isinstance(value, str):
                raise InforuInputError(f"{name} must be the name of a field, not {type(value).__name__}")
        if not isinstance(self.max_in_flight, int) or self.max_in_flight < 1:
            raise InforuInputError("max_in_flight must be a whole number from 1")
        voice.check_options(self.data_options, self.call_options)
        for name, value, known in (
            ("invalid_recipients", self.invalid_recipients, get_args(InvalidRecipients)),
            ("on_duplicate", self.on_duplicate, get_args(OnDuplicate)),
            ("in_doubt", self.in_doubt, get_args(InDoubt)),
        ):
            if value not in known:
                raise InforuInputError(
                    f"{name} must be one of {', '.join(known)}, not {value!r}: nothing was sent"
                )
        if self.key_field is not None and self.key_field == self.phone_field:
            raise InforuInputError(
                "key_field is the field of the phone, and keys are shown in logs: name another field, or "
                "none for the row's number; nothing was sent"
            )

    @property
    def _first_alone(self) -> bool:
        """Whether the other batches need what the first one's answer says."""
        return False

    def _shared_plan(self) -> list[Any]:
        return [self._ignores_sending_time(), self.data_options, self.call_options]

    def _ignores_sending_time(self) -> bool | None:
        value = self.ignore_possible_sending_time
        return None if value is None else read_flag("ignore_possible_sending_time", value)

    @abstractmethod
    def _plan(self) -> list[Any]:
        """Return the arguments that say what is sent: a retry with others is another send."""

    @abstractmethod
    def _sender(self, hook: InforuHook, ledger: Ledger) -> SendBatch:
        """Return what makes the request of a batch."""
