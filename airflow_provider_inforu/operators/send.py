"""The base class of the two sending operators: read rows, send requests, return the manifest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.links import push_link
from airflow_provider_inforu.operators.arguments import (
    no_retry_on_final_errors,
    no_retry_on_invalid_input,
    read_given_flag,
)
from airflow_provider_inforu.operators.checks import SEND_CHECKS, Check, run_checks
from airflow_provider_inforu.operators.send_arguments import SendArguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import Context

    from airflow_provider_inforu.ledger.send_evidence import SendEvidence
    from airflow_provider_inforu.outcomes.decision import Decision
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.sending.completion import Completion
    from airflow_provider_inforu.sending.earlier_send import EarlierSend
    from airflow_provider_inforu.sending.open_send import OpenSend
    from airflow_provider_inforu.sending.send_runner import SendRunner
    from airflow_provider_inforu.sending.send_spec import SendSpec


@contextmanager
def _naming_people(earlier: EarlierSend | None) -> Iterator[None]:
    """Name the people in doubt of an earlier send in the log, if the block fails."""
    from airflow_provider_inforu.sending.open_send import name_people

    try:
        yield
    except Exception:
        if earlier:
            name_people(earlier.result())
        raise


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
        campaign on a few people. None (default): everybody. A later try with another number
        fails, unless the send is complete.
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
        from airflow_provider_inforu.operators.waiting import new_deadline

        with no_retry_on_invalid_input(), no_retry_on_final_errors():
            self._check_hidden()
            run_checks(self, self._checks, only_constants=False)
            if read_given_flag("dry_run", self.is_dry_run):
                return self._try_dry()
            self._check_connection()
            push_link(self, context["ti"])
            send = self._send(context)
            return self._complete(context, send, new_deadline(self))

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
        from airflow_provider_inforu.ledger.ledger_access import open_store
        from airflow_provider_inforu.ledger.send_evidence import SendEvidence
        from airflow_provider_inforu.sending.ended_calls import calls_to_wait_for, read_event
        from airflow_provider_inforu.sending.manifest import count_people
        from airflow_provider_inforu.sending.resume import resume_send

        with no_retry_on_final_errors():
            decision = read_event(event)
            evidence = SendEvidence(context)
            store = open_store(context, evidence, resend=False)
            send, deadline = resume_send(store, evidence.send_id)
            self._register(evidence, send)
            waited = calls_to_wait_for(count_people(send.result))
            return self._complete(context, send, deadline, waited=waited, decision=decision)

    def _send(self, context: Context) -> OpenSend:
        """Send the remaining batches, and return the send."""
        from airflow_provider_inforu.ledger.send_evidence import SendEvidence
        from airflow_provider_inforu.operators.waiting import leave_until_it_opens
        from airflow_provider_inforu.sending.send_runner import SendRunner
        from airflow_provider_inforu.sending.window import WindowClosedError

        spec, evidence = self._spec(), SendEvidence(context)
        try:
            send = self._open(context, spec, evidence)
            self._runner = SendRunner(spec, self._hook, send)
            if self._is_killed:
                self._runner.stop()
            self._runner.prepare()
            self._run(context, self._runner, send)
        except WindowClosedError as closed:
            leave_until_it_opens(self, closed)
        return send

    def _open(self, context: Context, spec: SendSpec, evidence: SendEvidence) -> OpenSend:
        """Open the ledger. The rows are read only in the sending window, and only if they are needed."""
        from airflow_provider_inforu.ledger.ledger_access import check_is_expected_send, open_store
        from airflow_provider_inforu.sending.earlier_send import read_earlier
        from airflow_provider_inforu.sending.send_errors import no_retry_on_ledger_errors
        from airflow_provider_inforu.sending.send_opener import SendOpener
        from airflow_provider_inforu.sending.send_spec import TaskTry

        task_try = TaskTry(
            clear_generation=evidence.clear_generation,
            is_first=evidence.is_first_try,
            may_begin_again=evidence.allows_new_send(resend=spec.resend),
        )
        with no_retry_on_ledger_errors():
            store = open_store(context, evidence, resend=spec.resend)
            earlier = read_earlier(store, task_try, resend=spec.resend)
            check_is_expected_send(evidence, earlier.header.send_id if earlier else None, resend=spec.resend)
        opener = SendOpener(spec, store, earlier, task_try)
        if opener.needs_nothing():
            send = opener.take_over(self._read_if_possible())
        else:
            with _naming_people(earlier):
                self._check_rendered()
            opener.check_window()
            with _naming_people(earlier):
                people = self._people()
            # Reading the rows may take long. If the window has closed, no ledger may begin: it would bind
            # the send to these rows.
            opener.check_window()
            if evidence.has_earlier_send and task_try.may_begin_again and people.recipients:
                self.log.warning("`resend` is set and the task was cleared, so everybody is called again")
            send = opener.open(people)
        self._register(evidence, send)
        return send

    def _register(self, evidence: SendEvidence, send: OpenSend) -> None:
        header = send.ledger.header
        if header.batches:
            evidence.register(header.send_id, header.clear_generation, self._hook.inforu_conn_id)

    def _read_if_possible(self) -> RecipientList | None:
        """Return the recipients of a send that is complete; None if they cannot be read."""
        try:
            return self._people()
        except Exception as error:
            self.log.warning(
                "The recipients could not be read (%s). The send is complete, so the task continues",
                error if isinstance(error, InforuError) else type(error).__name__,
            )
            return None

    def _run(self, context: Context, runner: SendRunner, send: OpenSend) -> None:
        from airflow_provider_inforu.ledger.ledger_errors import LedgerError
        from airflow_provider_inforu.sending.window import WindowClosedError

        try:
            runner.run()
        except LedgerError:
            raise  # another attempt of this task may be running, and it writes the report
        except Exception as error:
            # After a pause the task continues, and Airflow keeps its XComs: these counts would be old.
            is_paused = isinstance(error, WindowClosedError)
            self._completion(context).store_stopped(send, is_paused=is_paused)
            raise

    def _complete(
        self,
        context: Context,
        send: OpenSend,
        deadline: float,
        *,
        waited: int = 0,
        decision: Decision | None = None,
    ) -> dict[str, Any]:
        from airflow_provider_inforu.sending.open_send import name_people

        completion = self._completion(context)
        # While the task waits, batches in doubt may be accepted: their calls count, too.
        while (expected := completion.settle(send)) > waited:
            if decision is None:
                name_people(send.result)
            manifest = completion.store_waiting(send, deadline)
            decision, waited = self._wait(send, manifest, deadline), expected
        return completion.conclude(send, decision)

    def _completion(self, context: Context) -> Completion:
        from airflow_provider_inforu.sending.completion import Completion

        instance = context["ti"]
        return Completion(
            function=self.function,
            gateway=self._hook,
            in_doubt=self.in_doubt,
            waits=self.wait_for_calls,
            report_path=self.report_path,
            push=lambda key, value: instance.xcom_push(key=key, value=value),
        )

    def _wait(self, send: OpenSend, manifest: dict[str, Any], deadline: float) -> Decision:
        from airflow_provider_inforu.operators.waiting import wait_here, wait_in_triggerer

        # Without a durable ledger, only this process knows the send. So it must not defer.
        if self.deferrable and send.ledger.is_durable:
            wait_in_triggerer(self, manifest, deadline)
        return wait_here(self, self._hook, manifest, deadline)

    def on_kill(self) -> None:
        """Stop sending. The task still waits for the replies in flight and writes them to the ledger."""
        self.log.warning("The task was killed. It sends no more requests. Accepted calls cannot be cancelled")
        self._is_killed = True
        if self._runner:
            self._runner.stop()
