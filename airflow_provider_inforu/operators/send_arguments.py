"""The arguments of both sending operators, and what they stand for: recipients, requests and limits."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu._compat import conf
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.capi.time_zone import ISRAEL
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.links import InforuCallsLink
from airflow_provider_inforu.operators.arguments import (
    MISSING,
    check_given,
    check_no_password,
    explain_unknown,
    read_flag,
    read_limit,
)
from airflow_provider_inforu.operators.checks import (
    SEND_CHECKS,
    check_report_is_no_source,
    check_rows,
    is_constant,
    run_checks,
)
from airflow_provider_inforu.operators.hidden_rows import HidesRows, stating_no_new_calls, unwrap_rows

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_inforu.recipients.choices import (
        InDoubt,
        InvalidRecipients,
        OnDuplicate,
        OutsideWindow,
        QuotaCheck,
    )
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
    from airflow_provider_inforu.sending.request_builder import RequestBuilder
    from airflow_provider_inforu.sending.send_spec import SendSpec
    from airflow_provider_inforu.sending.window import SendingWindow


class SendArguments(HidesRows):
    """An operator with the arguments of a send. `InforuSendOperator` describes them."""

    function: str
    """The function of Inforu's API."""

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
    # On the class, because Airflow reads the links of mapped tasks before it runs __init__.
    operator_extra_links = (InforuCallsLink(),)

    def __init__(
        self,
        *,
        recipients: Iterable[Any] | os.PathLike[str] = MISSING,
        phone_field: str = "phone",
        key_field: str | None = None,
        ignore_possible_sending_time: bool | str | None = None,
        inforu_conn_id: str = InforuHook.default_conn_name,
        invalid_recipients: InvalidRecipients = "fail",
        on_duplicate: OnDuplicate = "skip",
        in_doubt: InDoubt = "fail",
        max_in_flight: int = 128,
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
        check_given("recipients", recipients, kwargs)
        try:
            super().__init__(**kwargs)
        except TypeError:
            if error := explain_unknown(type(self), kwargs):
                raise error from None
            raise
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
        # Not `dry_run`: Airflow's operators have a method of this name, for `airflow tasks test --dry-run`.
        self.is_dry_run = dry_run

        run_checks(self, SEND_CHECKS, only_constants=True)
        if is_constant(recipients):
            check_rows(recipients)
        check_report_is_no_source(report_path, recipients=recipients, suppress=suppress)

    def _people(self) -> RecipientList:
        from airflow_provider_inforu.operators.recipient_list import read_people

        with stating_no_new_calls():
            rows, suppress = self._source(), unwrap_rows(self.suppress)
        check_no_password(recipients=rows, suppress=suppress)
        check_report_is_no_source(self.report_path, recipients=rows, suppress=suppress)
        if suppress is None and self.suppress is not None:
            raise InforuInputError(
                "The task behind `suppress` returned None or did not run, so the suppression list is "
                f"unknown. {NO_NEW_CALLS}. Return [] if nobody is suppressed"
            )
        return read_people(rows, self._rules(), suppress=suppress, encoding=self.encoding)

    def _try_dry(self) -> dict[str, Any]:
        from airflow_provider_inforu.sending.dry_run import try_dry

        return try_dry(
            self.function,
            self._people(),
            self._window(),
            conn_id=self._hook.inforu_conn_id,
            waits=self.wait_for_calls,
        )

    def _source(self) -> object:
        """Return the rows, from their start."""
        return unwrap_rows(self.recipients)

    def _rules(self) -> RecipientRules:
        from airflow_provider_inforu.recipients.recipient_rules import RecipientRules

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

    def _ignores_sending_time(self) -> bool | None:
        value = self.ignore_possible_sending_time
        return None if value is None else read_flag("ignore_possible_sending_time", value)

    @cached_property
    def _hook(self) -> InforuHook:
        return InforuHook(self.inforu_conn_id)

    def _check_connection(self) -> None:
        from airflow_provider_inforu.sending.advice import capitalize

        try:
            self._hook.settings  # noqa: B018 - read once, and kept by the hook
            if self.wait_for_calls:
                self._hook.get_receiver()
        except InforuInputError as error:
            raise InforuInputError(
                f"{capitalize(error)}. {NO_NEW_CALLS}. Correct the connection, then clear the task"
            ) from None

    def _spec(self) -> SendSpec:
        from airflow_provider_inforu.hooks.shared_limit import shared_limit
        from airflow_provider_inforu.recipients.batches import digest
        from airflow_provider_inforu.sending.limits import Limits
        from airflow_provider_inforu.sending.send_spec import SendSpec

        settings, requests = self._hook.settings, self._requests()
        account = [self._hook.inforu_conn_id, settings.base_url, settings.username]
        return SendSpec(
            requests=requests,
            options_digest=digest([*account, *requests.arguments]),
            limits=Limits(
                requests_per_second=settings.requests_per_second,
                max_in_flight=self.max_in_flight,
                shared=shared_limit(settings),
                window=self._window(),
            ),
            in_doubt=self.in_doubt,
            resend=read_flag("resend", self.resend),
            quota_check=self.quota_check,
        )

    @abstractmethod
    def _requests(self) -> RequestBuilder:
        """Return the builder of the requests."""

    def _shared_options(self) -> dict[str, Any]:
        """Return the arguments that every builder takes."""
        return {
            "ignore_possible_sending_time": self._ignores_sending_time(),
            "data_options": self.data_options,
            "call_options": self.call_options,
        }
