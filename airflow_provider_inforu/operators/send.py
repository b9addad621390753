"""What both operators share: one way from rows to requests to a manifest."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.links import push_link
from airflow_provider_inforu.operators.arguments import (
    no_retry_on_invalid_input,
    read_flag,
    read_given_flag,
)
from airflow_provider_inforu.operators.checks import (
    SEND_CHECKS,
    Check,
    run_checks,
)
from airflow_provider_inforu.operators.hidden_rows import HiddenRows
from airflow_provider_inforu.operators.send_arguments import SendArguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from airflow_provider_inforu.ledger.ledger_log import Ledger
    from airflow_provider_inforu.operators.completion import Completion
    from airflow_provider_inforu.operators.open_send import OpenSend
    from airflow_provider_inforu.operators.send_runner import SendRunner
    from airflow_provider_inforu.outcomes.decision import Decision
    from airflow_provider_inforu.sending.request_pool import PrepareBatch


class InforuSendOperator(SendArguments):
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
    :param max_in_flight: The most requests at a time, from 1 to 128 (128). A send begins with at most 16, and
        more only if Inforu answers so slowly that the rate of the connection needs them.
    :param resend: Call everybody again when the task is cleared (False). Templated, so that a param of the
        run can say it. A retry of the cleared task still calls nobody twice.
    :param data_options: Fields of the vendor's that have no argument here, put next to ``List``.
    :param call_options: Fields of the vendor's that have no argument here, put into each call.
    :param wait_for_calls: Wait until the calls have ended (False), as the receiver of notifications hears;
        the manifest's ``calls`` then holds the summary. A retry waits again and sends nothing.
    :param deferrable: Wait in the triggerer, without a worker (Airflow's ``default_deferrable``).
    :param poll_interval: Seconds between two looks while waiting (30).
    :param calls_timeout: Seconds to wait for the calls, counted from the end of the sending (3600). When they
        are over the task fails, and a retry waits again.
    :param limit: Call the first so many people and read no further (None: everybody), to try a campaign on a
        few. Templated. Another number in a later try is another send, which stops.
    :param suppress: Recipients who must not be called (None: nobody): phones and keys as a list,
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
        by key. The manifest then says that nobody was called, and has ``would_call``. Templated.
    :param report_path: Where to write a row for each recipient at the end: any URL that fsspec knows, ending
        in ``.csv``, ``.ndjson`` or ``.jsonl``. None (default) writes none.
    :return: The manifest: ``send_id``, ``function``, ``inforu_conn_id``, ``recipients``, ``accepted``,
        ``rejected``, ``in_doubt``, ``skipped``, ``campaign_ids``, ``requests``, ``calls`` and
        ``already_sent_at``.
    """

    function: str
    """The vendor's function."""
    _runner: SendRunner | None = None
    _is_killed = False
    _checks: ClassVar[tuple[Check, ...]] = SEND_CHECKS

    def execute(self, context: Context) -> dict[str, Any]:
        """Send what the ledger does not have yet, and return the manifest.

        :raises InforuError: Something is left to do, and a retry goes on from there.
        :raises AirflowFailException: An argument or a row is invalid, or somebody is in doubt or was
            rejected; the message says what to do.
        """
        # Here and below: a DAG file that is parsed has no use for what sends.
        from airflow_provider_inforu.operators.call_wait import new_deadline

        with no_retry_on_invalid_input():
            self._check_hidden()
            run_checks(self, self._checks, only_constants=False)
            if read_given_flag("dry_run", self.is_dry_run):
                return self._try_dry()
            self._read_connection()
            if self.wait_for_calls:
                self._hook.get_receiver()  # an error before anybody is called
            push_link(self, context["ti"])
            send = self._send(context)
            return self._completion(context).complete(send, new_deadline(self))

    def execute_in_window(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002
        """Go on when the sending window opens.

        :param event: What the trigger says: the time, which the clock tells too.
        """
        return self.execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Go on after the wait in the triggerer, from what was stored: this neither reads rows nor sends.

        :param event: What the trigger says.
        :raises InforuError: The calls have not ended in time; a retry waits again and sends nothing.
        :raises AirflowFailException: Somebody is in doubt, or was rejected; the message says what to do.
        """
        from airflow_provider_inforu.operators.call_wait import calls_to_wait_for, read_event
        from airflow_provider_inforu.operators.resume import resume_send
        from airflow_provider_inforu.sending.manifest import count_people

        decision = read_event(event)
        send, deadline = resume_send(context, self.inforu_conn_id)
        waited = calls_to_wait_for(count_people(send.result))
        return self._completion(context).complete(send, deadline, waited=waited, decision=decision)

    @cached_property
    def _hook(self) -> InforuHook:
        return InforuHook(self.inforu_conn_id)

    def _read_connection(self) -> None:
        from airflow_provider_inforu.hooks.advice import capitalize

        try:
            self._hook.settings  # noqa: B018 - read once, and kept by the hook
        except InforuInputError as error:
            raise InforuInputError(f"{capitalize(error)}. {NO_NEW_CALLS}") from None

    def _check_hidden(self) -> None:
        """Refuse to run where Airflow would store and show the rows of this task."""
        shown = [name for name in self._hides if not isinstance(getattr(self, name), HiddenRows | None)]
        if shown:
            raise AirflowFailException(
                f"{' and '.join(shown)} would be visible in the rendered fields of the task. {NO_NEW_CALLS}. "
                "Render the task's fields before execute(), as Airflow does. If Airflow itself runs this "
                "task, its version is not supported: report it to the provider's project"
            )

    def _try_dry(self) -> dict[str, Any]:
        from airflow_provider_inforu.operators.dry_run import try_dry

        return try_dry(
            self.function,
            self._people(),
            self._window(),
            conn_id=self._hook.inforu_conn_id,
            waits=self.wait_for_calls,
        )

    def _completion(self, context: Context) -> Completion:
        from airflow_provider_inforu.operators.completion import Completion

        instance = context["ti"]
        return Completion(
            function=self.function,
            hook=self._hook,
            in_doubt=self.in_doubt,
            waits=self.wait_for_calls,
            report_path=self.report_path,
            push=lambda key, value: instance.xcom_push(key=key, value=value),
            wait=self._wait,
        )

    def _wait(self, send: OpenSend, manifest: dict[str, Any], deadline: float) -> Decision:
        from airflow_provider_inforu.operators.call_wait import wait_here, wait_in_triggerer

        # Without a ledger nothing but this process knows what was sent, so the process waits.
        if self.deferrable and send.ledger.is_durable:
            wait_in_triggerer(self, manifest, deadline)
        return wait_here(self, self._hook, manifest, deadline)

    def _send(self, context: Context) -> OpenSend:
        from airflow_provider_inforu.ledger.ledger_errors import LedgerError
        from airflow_provider_inforu.operators.send_runner import SendRunner, SendSpec
        from airflow_provider_inforu.operators.window_wait import leave_until_it_opens
        from airflow_provider_inforu.sending.window import WindowClosedError

        self._runner = SendRunner(
            self._hook,
            SendSpec(
                function=self.function,
                arguments=self._list_options(),
                people=self._people,
                preparer=self._preparer,
                first_batch_creates_campaign=self._first_batch_creates_campaign,
                in_doubt=self.in_doubt,
                resend=read_flag("resend", self.resend),
                max_in_flight=self.max_in_flight,
                quota_check=self.quota_check,
                window=self._window(),
            ),
        )
        if self._is_killed:
            self._runner.stop()
        try:
            return self._runner.run(context)
        except Exception as error:
            # After a LedgerError another attempt of this task may be at work: the report is its to write.
            if self._runner.send and not isinstance(error, LedgerError):
                self._completion(context).store_stopped(self._runner.send)
            if isinstance(error, WindowClosedError):
                leave_until_it_opens(self, error)
            raise

    def on_kill(self) -> None:
        """Send no more; what is in flight is waited for and written down. Nothing can be cancelled."""
        self.log.warning("The task was killed. Calls that the vendor accepted cannot be cancelled")
        self._is_killed = True
        if self._runner:
            self._runner.stop()

    @property
    def _first_batch_creates_campaign(self) -> bool:
        """Whether the other batches need what the first one's answer says."""
        return False

    def _shared_options(self) -> list[Any]:
        return [self._ignores_sending_time(), self.data_options, self.call_options]

    @abstractmethod
    def _list_options(self) -> list[Any]:
        """Return the arguments that say what is sent: a retry with others is another send."""

    @abstractmethod
    def _preparer(self, hook: InforuHook, ledger: Ledger) -> PrepareBatch:
        """Return what makes the request of a batch ready."""
