"""What both operators share: one way from rows to requests to a manifest."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu._compat import conf
from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.notifications import ISRAEL
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.operators.arguments import (
    check_choices,
    check_field_names,
    check_flags,
    check_key_is_no_phone,
    check_no_password,
    check_numbers,
    check_report_path,
    read_flag,
    read_given_flag,
    read_limit,
)
from airflow_provider_inforu.operators.rows import HidesRows, rows_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_inforu.operators.attempt import Attempt, InDoubt
    from airflow_provider_inforu.operators.quota import QuotaCheck
    from airflow_provider_inforu.operators.sent import Sent
    from airflow_provider_inforu.operators.window import OutsideWindow
    from airflow_provider_inforu.sending.dispatch import PrepareBatch
    from airflow_provider_inforu.sending.ledger import Ledger
    from airflow_provider_inforu.sending.recipients import (
        InvalidRecipients,
        OnDuplicate,
        RecipientList,
        RecipientRules,
    )
    from airflow_provider_inforu.sending.window import SendingWindow


class InforuSendOperator(HidesRows):
    """What both operators share: recipients in, one request for each 100 of them, a manifest out.

    Bad rows and arguments fail the task before anything is sent. Each request is written down in a ledger
    before it leaves, so a retry goes on where an earlier try stopped, and a task that is cleared after it has
    sent calls nobody. A request whose answer is lost leaves its people in doubt: they are not called again
    unless you say so.

    :param recipients: A list of phones, a list of mappings, or the output of an upstream task that is one. Or
        the path or URL of a file, which is streamed: ``.csv``, ``.tsv``, ``.ndjson`` or ``.jsonl``, each also
        with ``.gz``, or ``.parquet`` (with the extra ``parquet``).
    :param encoding: Of a text file of recipients, such as ``cp1255`` (None: UTF-8, with or without its mark).
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
    :param wait_for_calls: Wait until the calls have ended (False), as the receiver of notifications hears;
        the manifest's ``calls`` then holds the summary. A retry waits again and sends nothing.
    :param deferrable: Wait in the triggerer, without a worker (Airflow's ``default_deferrable``).
    :param poll_interval: Seconds between two looks while waiting (30).
    :param calls_timeout: Seconds to wait for the calls, counted from the end of the sending (3600). When they
        are over the task fails, and a retry waits again.
    :param limit: Call the first so many people and read no further (None: everybody), to try a campaign on a
        few. Templated. Another number in a later try is another send, which stops.
    :param suppress: Who is not to be called, whoever asks for it (None: nobody): phones and keys as a list,
        as a file like ``recipients`` in UTF-8, or as a query ``{"conn_id": ..., "sql": ...}``; a column is
        the phone's or the key's. They are skipped. What cannot be read stops the task before the first call.
    :param quota_check: Before the first call, compare the account's quota for voice with the people: when it
        is not enough or cannot be read, ``fail`` before anybody is called, or ``warn`` in the log. None
        (default) does not ask.
    :param sending_window: The days and hours in which people may be called, such as
        ``sun-thu 09:00-20:00; fri 09:00-13:00`` (None: always). A send that it closes upon stops. It holds
        for the requests: what the vendor has accepted by then rings. Templated.
    :param outside_window: Where it is closed: ``wait`` (default) in the triggerer until it opens, without a
        worker; ``fail``; or ``skip`` the task where nobody was called yet, and fail it otherwise.
    :param timezone: The zone of ``sending_window``, and of times in texts (``Asia/Jerusalem``).
    :param dry_run: Do everything but the requests (False): read and check the rows, and log the first texts
        by key. What is returned says ``dry_run`` and ``would_call``, and has no send_id. Templated.
    :param report_path: Where to write a row for each recipient at the end: any URL that fsspec knows, ending
        in ``.csv``, ``.ndjson`` or ``.jsonl``. None (default) writes none.
    :return: The manifest: ``send_id``, ``function``, ``recipients``, ``accepted``, ``rejected``,
        ``in_doubt``, ``skipped``, ``campaign_ids``, ``requests`` and ``calls``.
    """

    template_fields: Sequence[str] = (
        "recipients",
        "suppress",
        "phone_field",
        "key_field",
        "inforu_conn_id",
        "ignore_possible_sending_time",
        "resend",
        "data_options",
        "call_options",
        "report_path",
        "limit",
        "is_dry_run",
        "sending_window",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"data_options": "json", "call_options": "json"}
    ui_color = "#d9ead3"
    function: str
    """The vendor's function."""

    def __init__(
        self,
        *,
        recipients: Iterable[Any] | os.PathLike[str],
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
        wait_for_calls: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 30,
        calls_timeout: float = 3600,
        report_path: str | None = None,
        limit: int | str | None = None,
        encoding: str | None = None,
        suppress: Iterable[Any] | os.PathLike[str] | None = None,
        quota_check: QuotaCheck | None = None,
        sending_window: str | None = None,
        outside_window: OutsideWindow = "wait",
        timezone: str = ISRAEL,
        dry_run: bool | str = False,
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
        self.wait_for_calls = wait_for_calls
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.calls_timeout = calls_timeout
        self.report_path = report_path
        self.limit = limit
        self.encoding = encoding
        self.suppress: Any = suppress
        self.quota_check = quota_check
        self.sending_window = sending_window
        self.outside_window = outside_window
        self.timezone = timezone
        # Airflow's operators have a method of the name, which `airflow tasks test --dry-run` calls.
        self.is_dry_run = dry_run

    _attempt: Attempt | None = None
    _is_killed = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Send what the ledger does not have yet, and return the manifest.

        :raises InforuError: Something is left to do, and a retry goes on from there.
        :raises AirflowFailException: Somebody is in doubt, or was rejected; the message says who.
        """
        # Here and below: a DAG file that is parsed has no use for what sends.
        from airflow_provider_inforu.operators.dry_run import try_dry
        from airflow_provider_inforu.operators.ending import Ending

        self._check_arguments()
        if read_given_flag("dry_run", self.is_dry_run):
            return try_dry(self.function, self._people(), self._window())
        if self.wait_for_calls:
            self._hook.get_receiver()  # an error before anybody is called
        return Ending(self, context, self._hook).of(*self._send(context))

    def execute_in_window(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002
        """Go on when the sending window opens.

        :param event: What the trigger says: the time, which the clock tells too.
        """
        return self.execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Go on after the wait in the triggerer.

        :param event: What the trigger says.
        :raises InforuError: The calls have not ended in time; a retry waits again and sends nothing.
        :raises AirflowFailException: Somebody is in doubt, or was rejected; the message says who.
        """
        from airflow_provider_inforu.operators.ending import Ending
        from airflow_provider_inforu.operators.wait import calls_to_wait_for, read_event

        decision = read_event(event)
        # Of this map index: by default Airflow returns those of all.
        manifest = context["ti"].xcom_pull(key="return_value", map_indexes=context["ti"].map_index)
        ending = Ending(self, context, self._hook)
        if manifest and not (manifest["in_doubt"] or manifest["rejected"] or self.report_path):
            return ending.of_wait(manifest, decision)
        # The ledger has everything: this sends nothing, unless in_doubt says so.
        attempt, sent = self._send(context)
        waited = calls_to_wait_for(manifest) if manifest and not attempt.has_sent else 0
        return ending.of(attempt, sent, waited=waited, decision=decision)

    @cached_property
    def _hook(self) -> InforuHook:
        return InforuHook(self.inforu_conn_id)

    def _send(self, context: Context) -> tuple[Attempt, Sent]:
        from airflow_provider_inforu.operators.attempt import Attempt, Order
        from airflow_provider_inforu.operators.ending import Ending
        from airflow_provider_inforu.operators.window import leave_until_it_opens
        from airflow_provider_inforu.sending.window import WindowClosedError

        self._attempt = Attempt(
            self._hook,
            Order(
                function=self.function,
                arguments=self._plan(),
                people=self._people,
                preparer=self._preparer,
                first_alone=self._first_alone,
                in_doubt=self.in_doubt,
                resend=read_flag("resend", self.resend),
                max_in_flight=self.max_in_flight,
                quota_check=self.quota_check,
                window=self._window(),
            ),
        )
        if self._is_killed:
            self._attempt.stop()
        try:
            return self._attempt, self._attempt.run(context)
        except Exception as error:
            if self._attempt.sent:
                Ending(self, context, self._hook).of_stopped(self._attempt.sent)
            if isinstance(error, WindowClosedError):
                leave_until_it_opens(self, error)
            raise

    def on_kill(self) -> None:
        """Send no more; what is in flight is waited for and written down. Nothing can be cancelled."""
        self.log.warning("The task was killed. Calls that the vendor has accepted cannot be cancelled")
        self._is_killed = True
        if self._attempt:
            self._attempt.stop()

    def _people(self) -> RecipientList:
        from airflow_provider_inforu.operators.people import read_people

        rows, suppress = self._source(), rows_of(self.suppress)
        check_no_password(recipients=rows, suppress=suppress)
        if suppress is None and self.suppress is not None:
            raise InforuInputError(
                "suppress is the output of a task that returned nothing or did not run, so it is not known "
                "who is not to be called: nothing was sent. Let it return an empty list where there is nobody"
            )
        return read_people(rows, self._rules(), suppress=suppress, encoding=self.encoding)

    def _source(self) -> object:
        """Return the rows, anew for each look at them."""
        return rows_of(self.recipients)

    def _rules(self) -> RecipientRules:
        from airflow_provider_inforu.sending.recipients import RecipientRules

        return RecipientRules(
            phone_field=self.phone_field,
            key_field=self.key_field,
            speaks=False,
            invalid_recipients=self.invalid_recipients,
            on_duplicate=self.on_duplicate,
            limit=read_limit(self.limit),
        )

    def _window(self) -> SendingWindow | None:
        from airflow_provider_inforu.sending.window import read_sending_window

        return read_sending_window(self.sending_window, self.timezone)

    def _check_arguments(self) -> None:
        """Raise InforuInputError for what is wrong before anything is sent."""
        from airflow_provider_inforu.operators.attempt import InDoubt
        from airflow_provider_inforu.operators.quota import QuotaCheck
        from airflow_provider_inforu.operators.window import OutsideWindow
        from airflow_provider_inforu.sending.recipients import InvalidRecipients, OnDuplicate

        read_flag("resend", self.resend)
        self._ignores_sending_time()
        self._window()
        check_field_names(phone_field=self.phone_field, key_field=self.key_field or "")
        check_key_is_no_phone(self.phone_field, self.key_field)
        check_numbers(self.max_in_flight, self.poll_interval, self.calls_timeout)
        check_report_path(self.report_path)
        check_flags(wait_for_calls=self.wait_for_calls, deferrable=self.deferrable)
        voice.check_options(self.data_options, self.call_options)
        check_choices(
            invalid_recipients=(self.invalid_recipients, InvalidRecipients),
            on_duplicate=(self.on_duplicate, OnDuplicate),
            in_doubt=(self.in_doubt, InDoubt),
            outside_window=(self.outside_window, OutsideWindow),
            **({} if self.quota_check is None else {"quota_check": (self.quota_check, QuotaCheck)}),
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
    def _preparer(self, hook: InforuHook, ledger: Ledger) -> PrepareBatch:
        """Return what makes the request of a batch ready."""
