"""What both operators share: one way from rows to requests to a manifest."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.operators.once import SendOnce
from airflow_provider_inforu.sending.dispatch import Outcome, SendBatch, SendStoppedError, dispatch
from airflow_provider_inforu.sending.manifest import build_manifest
from airflow_provider_inforu.sending.plan import plan_batches
from airflow_provider_inforu.sending.recipients import (
    InvalidRecipients,
    OnDuplicate,
    RecipientRules,
    group_by_reason,
    read_recipients,
)

if TYPE_CHECKING:
    from airflow.sdk import Context


NO_RETRY = "Airflow does not retry this task, since that would call the same people again"


class HiddenRows:
    """Rows that show their number only, so that no phone is stored or shown as a rendered field."""

    def __init__(self, rows: object) -> None:
        self.rows = rows

    def serialize(self) -> str:
        """Return what Airflow stores and shows."""
        if isinstance(self.rows, Collection) and not isinstance(self.rows, str | bytes | Mapping):
            return "<1 recipient>" if len(self.rows) == 1 else f"<{len(self.rows)} recipients>"
        return f"<recipients: {type(self.rows).__name__}>"

    __repr__ = serialize


class InforuSendOperator(BaseOperator):
    """What both operators share: recipients in, one request for each 100 of them, a manifest out.

    Bad rows and arguments fail the task before anything is sent. Once a request may have been accepted, a
    failure ends the task without a retry, since a retry would call the same people again. Its message says
    who was called, who was not, and who perhaps.

    :param recipients: A list of phones, a list of mappings, or the output of an upstream task that is one.
    :param phone_field: The field of a mapping that holds the phone (``phone``).
    :param key_field: The field that names a person in logs and results; by default the row's number, from 1.
    :param ignore_possible_sending_time: Ignore the sending hours that are set on the vendor's system.
    :param inforu_conn_id: The connection (``inforu_default``).
    :param invalid_recipients: ``fail`` (default) the task before anything is sent when a row cannot be
        called, or ``skip`` such rows; the log names their keys and reasons.
    :param on_duplicate: A phone that came before is skipped (``skip``, default), called again (``send``), or
        fails the task before anything is sent (``fail``).
    :param data_options: Fields of the vendor's that have no argument here, put beside ``List``.
    :param call_options: Fields of the vendor's that have no argument here, put into each call.
    :return: The manifest: ``send_id``, ``function``, ``recipients``, ``accepted``, ``rejected``,
        ``in_doubt``, ``skipped``, ``campaign_ids``, ``requests`` and ``calls``.
    """

    template_fields: Sequence[str] = ("recipients", "inforu_conn_id", "data_options", "call_options")
    ui_color = "#d9ead3"
    function: str
    """The vendor's function."""

    def __init__(
        self,
        *,
        recipients: Iterable[Any],
        phone_field: str = "phone",
        key_field: str | None = None,
        ignore_possible_sending_time: bool | None = None,
        inforu_conn_id: str = InforuHook.default_conn_name,
        invalid_recipients: InvalidRecipients = "fail",
        on_duplicate: OnDuplicate = "skip",
        data_options: Mapping[str, Any] | None = None,
        call_options: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - to BaseOperator
    ) -> None:
        super().__init__(**kwargs)
        self.recipients = recipients
        self.phone_field = phone_field
        self.key_field = key_field
        self.ignore_possible_sending_time = ignore_possible_sending_time
        self.inforu_conn_id = inforu_conn_id
        self.invalid_recipients = invalid_recipients
        self.on_duplicate = on_duplicate
        self.data_options = data_options
        self.call_options = call_options

    def _do_render_template_fields(self, parent: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        # Mapped tasks are rendered through this method only, so it is the one place to hide the rows.
        super()._do_render_template_fields(parent, *args, **kwargs)
        if not isinstance(parent.recipients, HiddenRows):
            parent.recipients = HiddenRows(parent.recipients)

    def execute(self, context: Context) -> dict[str, Any]:
        """Send, and return the manifest.

        :raises InforuError: Nobody was called; Airflow may try again.
        :raises AirflowFailException: Somebody was called, or perhaps; the message says who.
        """
        hook = InforuHook(self.inforu_conn_id)
        requests_per_second = hook.settings.requests_per_second
        self._check_arguments()
        rows = self.recipients.rows if isinstance(self.recipients, HiddenRows) else self.recipients
        listed = read_recipients(rows, self._rules())
        if listed.skipped:
            self.log.warning(
                "Recipients that are skipped: %d. %s", len(listed.skipped), group_by_reason(listed.skipped)
            )
        batches = plan_batches(listed.recipients)
        send_id = secrets.token_hex(8)
        if not batches:
            self.log.info("There is nobody to call")
            return build_manifest(
                send_id=send_id, function=self.function, outcome=Outcome(), skipped=len(listed.skipped)
            )
        once = SendOnce(context)
        once.begin(send_id)
        self.log.info("send %s: recipients: %d, requests: %d", send_id, len(listed.recipients), len(batches))
        try:
            outcome = dispatch(send_id, batches, self._sender(hook, send_id), requests_per_second)
        except SendStoppedError as error:
            if not error.safe_to_resend:
                raise AirflowFailException(f"{error}. {NO_RETRY}") from None
            once.nobody_was_called()
            raise
        manifest = build_manifest(
            send_id=send_id, function=self.function, outcome=outcome, skipped=len(listed.skipped)
        )
        if outcome.rejected:
            self._fail_rejected(context, once, outcome, manifest)
        return manifest

    def _fail_rejected(
        self, context: Context, once: SendOnce, outcome: Outcome, manifest: dict[str, Any]
    ) -> None:
        message = (
            f"the send {manifest['send_id']} is done: {outcome.calls_accepted} calls were accepted, "
            f"{outcome.describe_rejected()}"
        )
        if not outcome.accepted:
            once.nobody_was_called()
            raise InforuError(message)
        context["ti"].xcom_push(key="return_value", value=manifest)
        raise AirflowFailException(f"{message}. {NO_RETRY}")

    def on_kill(self) -> None:
        """Say what a kill cannot do."""
        self.log.warning("The task was killed. Calls that the vendor has accepted cannot be cancelled")

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
        voice.check_options(self.data_options, self.call_options)
        for name, value, known in (
            ("invalid_recipients", self.invalid_recipients, get_args(InvalidRecipients)),
            ("on_duplicate", self.on_duplicate, get_args(OnDuplicate)),
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

    @abstractmethod
    def _sender(self, hook: InforuHook, send_id: str) -> SendBatch:
        """Return what makes the request of a batch."""
