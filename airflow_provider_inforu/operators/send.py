"""The base class of the two sending operators: read rows, send requests, return the manifest."""

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
    """Phone each recipient once: one request for each batch of up to 100 recipients.

    Invalid rows and arguments fail the task before the first call. The operator logs each request in the
    ledger before it sends the request. So a retry continues where an earlier try stopped. A cleared task that
    has already sent calls nobody. If the reply to a request is lost, its recipients are in doubt. They are
    not called again unless you decide so.

    :param recipients: The people to call: a list of phones, a list of mappings, or the output of a task that
        returns such a list. Or the path or URL of a file: ``.csv``, ``.tsv``, ``.ndjson`` or ``.jsonl``, each
        also with ``.gz``, or ``.parquet`` (with the extra ``parquet``). The file is streamed.
    :param encoding: The encoding of a text file of recipients, such as ``cp1255``. None (default): UTF-8,
        with or without a byte order mark.
    :param phone_field: The field with the phone (default ``phone``).
    :param key_field: The field that identifies a recipient in logs, errors and results. It must not contain a
        phone. None (default): the number of the row, from 1.
    :param ignore_possible_sending_time: True: ignore the sending hours that are set in the Inforu portal.
        False: keep to them. None (default): the field is not sent, so Inforu decides.
    :param inforu_conn_id: The ID of the connection (default ``inforu_default``).
    :param invalid_recipients: What to do with a row that cannot be called. ``fail`` (default) fails the task
        before the first call. ``skip`` skips the row. The log lists the keys and reasons.
    :param on_duplicate: What to do with a phone that an earlier row has. ``skip`` (default) skips the row.
        ``send`` calls the phone again. ``fail`` fails the task before the first call.
    :param in_doubt: What to do with recipients in doubt. ``fail`` (default) fails the task without a retry
        and lists their keys. ``accept`` counts them as called. ``resend`` calls them again, so some may get
        two calls.
    :param max_in_flight: The most requests that wait for a reply at the same time, from 1 to 128 (default
        128). A send starts with at most 16. It uses more only if Inforu replies too slowly for the rate limit
        of the connection.
    :param resend: Call everybody again after a clear (default False). A retry of the cleared task still calls
        nobody twice.
    :param data_options: More fields of Inforu's request, placed next to ``List``. Use it for fields without
        an argument of their own.
    :param call_options: More fields of Inforu's request, placed in each call. Use it for fields without an
        argument of their own.
    :param wait_for_calls: Wait until the calls have ended (default False). It needs the receiver. The
        manifest's ``calls`` then contains the summary. A retry waits again and sends nothing.
    :param deferrable: Wait for the calls in the triggerer, without a worker (default: Airflow's option
        ``[operators] default_deferrable``).
    :param poll_interval: Seconds between two checks while the task waits for the calls (default 30).
    :param calls_timeout: The longest wait for the calls in seconds, from the end of the sending (default
        3600). After a timeout the task fails, and a retry waits again.
    :param limit: Call only this number of recipients, and do not read the rows after them. Use it to test a
        campaign on a few people. None (default): everybody. A later try with another number fails.
    :param suppress: The people who must not be called: phones and keys as a list, or as a file like
        ``recipients`` (UTF-8). Or a query: ``{"conn_id": ..., "sql": ...}``. A file or a query needs a column
        named like ``phone_field`` or ``key_field``. The operator skips these people. If it cannot read the
        list, it fails before the first call. None (default): nobody is suppressed.
    :param quota_check: Compare the account's quota for voice calls with the number of recipients before the
        first call. If the quota is too small or unknown, ``fail`` fails the task and ``warn`` logs a warning.
        None (default): no check.
    :param sending_window: The days and hours in which requests may be sent, such as
        ``sun-thu 09:00-20:00; fri 09:00-13:00``. A send stops when the window closes. Calls that Inforu
        accepted before may still ring. None (default): always.
    :param outside_window: What to do when the window is closed. ``wait`` (default) waits in the triggerer,
        without a worker, until the window opens. ``fail`` fails the task. ``skip`` skips the task if nobody
        was called yet, and fails it otherwise.
    :param timezone: The time zone of ``sending_window`` and of times in texts (default ``Asia/Jerusalem``).
    :param dry_run: Read and check the rows, but send no request (default False). The log shows the first
        texts with their keys. The manifest counts nobody as called and contains ``would_call``.
    :param report_path: Where to write one row for each recipient at the end: a path or a URL that fsspec
        supports, ending in ``.csv``, ``.ndjson`` or ``.jsonl``. None (default): no report.
    :return: The manifest: ``send_id``, ``function``, ``inforu_conn_id``, ``recipients``, ``accepted``,
        ``rejected``, ``in_doubt``, ``skipped``, ``campaign_ids``, ``requests``, ``calls`` and
        ``already_sent_at``.
    """

    function: str
    """The function of Inforu's API."""
    _runner: SendRunner | None = None
    _is_killed = False
    _checks: ClassVar[tuple[Check, ...]] = SEND_CHECKS

    def execute(self, context: Context) -> dict[str, Any]:
        """Send all batches that the ledger does not contain yet, and return the manifest.

        :param context: The task's context.
        :raises InforuError: Batches remain unsent, or the report was not written. A retry continues there.
        :raises AirflowFailException: An argument or a row is invalid, or recipients are in doubt or rejected.
            The message says what to do.
        """
        # Imported here and below, so that parsing a DAG file does not import the modules that send.
        from airflow_provider_inforu.operators.call_wait import new_deadline

        with no_retry_on_invalid_input():
            self._check_hidden()
            run_checks(self, self._checks, only_constants=False)
            if read_given_flag("dry_run", self.is_dry_run):
                return self._try_dry()
            self._check_connection()
            push_link(self, context["ti"])
            send = self._send(context)
            return self._completion(context).complete(send, new_deadline(self))

    def execute_in_window(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002
        """Send after the sending window has opened, and return the manifest.

        :param context: The task's context.
        :param event: The trigger's event: the time. It is not used.
        """
        return self.execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the manifest after the wait in the triggerer. It uses the stored send: no rows, no requests.

        :param context: The task's context.
        :param event: The trigger's event: how the wait ended.
        :raises InforuError: The calls have not ended in time. A retry waits again and sends nothing.
        :raises AirflowFailException: Recipients are in doubt or rejected. The message says what to do.
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

    def _check_connection(self) -> None:
        from airflow_provider_inforu.hooks.advice import capitalize

        try:
            self._hook.settings  # noqa: B018 - read once, and kept by the hook
            if self.wait_for_calls:
                self._hook.get_receiver()
        except InforuInputError as error:
            raise InforuInputError(
                f"{capitalize(error)}. {NO_NEW_CALLS}. Correct the connection, then clear the task"
            ) from None

    def _check_hidden(self) -> None:
        """Fail the task if Airflow would store and show its rows.

        :raises AirflowFailException: A field with people in it is not hidden.
        """
        shown = [name for name in self._hides if not isinstance(getattr(self, name), HiddenRows | None)]
        if shown:
            raise AirflowFailException(
                f"{' and '.join(f'`{name}`' for name in shown)} would be visible in the task's rendered "
                f"fields. {NO_NEW_CALLS}. Render the task's fields before execute(), as Airflow does. If "
                "Airflow itself runs this task, its version is not supported: report it to the provider's "
                "project"
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

        # Without a durable ledger, only this process knows the send. So it must not defer.
        if self.deferrable and send.ledger.is_durable:
            wait_in_triggerer(self, manifest, deadline)
        return wait_here(self, self._hook, manifest, deadline)

    def _send(self, context: Context) -> OpenSend:
        from airflow_provider_inforu.ledger.ledger_errors import LedgerError
        from airflow_provider_inforu.operators.send_runner import SendRunner
        from airflow_provider_inforu.operators.send_spec import SendSpec
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
            # After a LedgerError another attempt of this task may be running, and it writes the report.
            if self._runner.send and not isinstance(error, LedgerError):
                # After a pause the task continues, and Airflow keeps its XComs: these counts would be old.
                is_paused = isinstance(error, WindowClosedError)
                self._completion(context).store_stopped(self._runner.send, is_paused=is_paused)
            if isinstance(error, WindowClosedError):
                leave_until_it_opens(self, error)
            raise

    def on_kill(self) -> None:
        """Stop sending. The task still waits for the replies in flight and writes them to the ledger."""
        self.log.warning("The task was killed. It sends no more requests. Accepted calls cannot be cancelled")
        self._is_killed = True
        if self._runner:
            self._runner.stop()

    @property
    def _first_batch_creates_campaign(self) -> bool:
        """Whether the other batches need the campaign ID of the first batch's response."""
        return False

    def _shared_options(self) -> list[Any]:
        return [self._ignores_sending_time(), self.data_options, self.call_options]

    @abstractmethod
    def _list_options(self) -> list[Any]:
        """Return the arguments that define the send. A retry with other values is refused."""

    @abstractmethod
    def _preparer(self, hook: InforuHook, ledger: Ledger) -> PrepareBatch:
        """Return the function that prepares the request of a batch."""
