"""The hook for connections of type ``inforu``: the functions of Inforu's API and of the receiver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import BaseHook
from airflow_provider_inforu.capi import admin, voice
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from airflow_provider_inforu.hooks.api_access import new_client, read_job_status
from airflow_provider_inforu.hooks.given_calls import read_calls
from airflow_provider_inforu.hooks.loading import load_settings, load_settings_async
from airflow_provider_inforu.hooks.settings import CONN_TYPE, DEFAULT_CONN_ID
from airflow_provider_inforu.sending.advice import advise, call_it_this_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.capi.client import InforuClient
    from airflow_provider_inforu.capi.envelope import Reply
    from airflow_provider_inforu.capi.jobs import JobStatus
    from airflow_provider_inforu.capi.voice import Call, SendReceipt
    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.outcomes.awaited import OnTimeout
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient
    from airflow_provider_inforu.outcomes.sources import SourceName
    from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary


class InforuHook(BaseHook):
    """Phone people, and use the other functions of Inforu's API, through an Airflow connection.

    No method repeats a request to Inforu by itself. If the ``safe_to_resend`` of an error is true, Inforu
    accepted no call of the request.

    :param inforu_conn_id: The ID of the connection (default ``inforu_default``).
    """

    conn_name_attr = "inforu_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONN_TYPE
    hook_name = "Inforu"

    def __init__(self, inforu_conn_id: str = default_conn_name, **kwargs: Any) -> None:  # noqa: ANN401 - to BaseHook
        super().__init__(**kwargs)
        self.inforu_conn_id = inforu_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the form of Airflow 3.0 and 3.1 shows the fields. Later ones use the provider info."""
        return {key.replace("-", "_"): value for key, value in FIELD_BEHAVIOUR.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra form fields for Airflow 3.0 and 3.1. Later ones use the provider info."""
        from airflow_provider_inforu.hooks.form import new_widget

        return {name: new_widget(spec) for name, spec in CONNECTION_FIELDS.items()}

    @cached_property
    def settings(self) -> InforuSettings:
        """The checked settings of the connection. Reading them masks the secrets in all later logs.

        :raises InforuInputError: A field of the connection is invalid.
        :raises ConnectionNotFoundError: Airflow does not find the connection. A retry asks again.
        """
        return load_settings(self.inforu_conn_id, self)

    async def load_settings(self) -> None:
        """Read the settings of the connection without blocking the event loop, for triggers.

        :raises InforuInputError: A field of the connection is invalid.
        """
        self.settings = await load_settings_async(self.inforu_conn_id, self)

    @cached_property
    def _client(self) -> InforuClient:
        return new_client(self.settings)

    def get_conn(self) -> InforuClient:
        """Return the client that sends requests to Inforu."""
        return self._client

    def call(self, function: str, data: Mapping[str, Any]) -> Reply:
        """Send one request to any function of Inforu's API, and return the reply.

        :param function: The path of the function below ``/api/v2/``, for example ``Voice/Message/Send``.
        :param data: The content of ``Data`` in the request.
        :raises InforuError: The request failed. The type names the cause. If ``safe_to_resend`` is true,
            Inforu accepted no call of the request.
        """
        return self._client.call(function, data)

    def prepare_send(self, function: str, data: Mapping[str, Any]) -> Callable[[], SendReceipt]:
        """Prepare a request that places calls, and return a function that sends it. This sends nothing yet.

        :param function: ``Voice/Message/Send`` or ``Voice/Campaign/SendExisting``.
        :param data: The content of ``Data`` in the request, with the calls in ``List``.
        :return: A function. Each time you call it, it sends the request once. It raises the errors of `call`.
        :raises InforuInputError: ``data`` contains a value that JSON cannot represent.
        :raises InforuConnectionError: The host of the connection is not a valid address.
        """
        return voice.prepare_send(self._client, function, data)

    def send_text_to_speech(
        self,
        calls: Iterable[Call | Mapping[str, Any]],
        *,
        campaign_name: str | None = None,
        campaign_ref_id: str | None = None,
        ignore_possible_sending_time: bool | None = None,
        data_options: Mapping[str, Any] | None = None,
        call_options: Mapping[str, Any] | None = None,
    ) -> SendReceipt:
        """Phone up to 100 people with one request and read a text to each (``Voice/Message/Send``).

        :param calls: Mappings or dataclasses with ``phone``, ``text`` and optionally ``message_id``. The hook
            normalises their phones. It sends a `Call` unchanged, so its phone must be in local form.
        :param campaign_name: The name of a new campaign. None (default): no name.
        :param campaign_ref_id: Your own ID of the campaign under which Inforu reports the calls. None
            (default): Inforu's campaign of the month.
        :param ignore_possible_sending_time: True: ignore the sending hours that are set in the Inforu portal.
            None (default): Inforu decides.
        :param data_options: More fields of Inforu's request, placed next to ``List``.
        :param call_options: More fields of Inforu's request, placed in each call.
        :raises InforuInputError: A call is invalid, or the list has more than 100 calls. Nothing was sent.
        :raises InforuError: The request failed, as in `call`.
        """
        data = voice.text_to_speech_data(
            read_calls(calls),
            campaign_name=campaign_name,
            campaign_ref_id=campaign_ref_id,
            ignore_possible_sending_time=ignore_possible_sending_time,
            data_options=data_options,
            call_options=call_options,
        )
        return self.prepare_send(voice.SEND_TEXT_TO_SPEECH, data)()

    def send_existing_campaign(
        self,
        campaign_id: str | int,
        calls: Iterable[Call | Mapping[str, Any]],
        *,
        duplicate: bool | None = None,
        duplicate_name: str | None = None,
        ignore_possible_sending_time: bool | None = None,
        data_options: Mapping[str, Any] | None = None,
        call_options: Mapping[str, Any] | None = None,
    ) -> SendReceipt:
        """Phone up to 100 people with one request and play a campaign (``Voice/Campaign/SendExisting``).

        :param campaign_id: The ID of the campaign in the Inforu portal.
        :param calls: Mappings or dataclasses with ``phone`` and optionally ``message_id``. The hook
            normalises their phones. It sends a `Call` unchanged, so its phone must be in local form.
        :param duplicate: True: copy the campaign and send the copy. None (default): send the campaign itself.
        :param duplicate_name: The name of the copy. None (default): Inforu names the copy.
        :param ignore_possible_sending_time: True: ignore the sending hours that are set in the Inforu portal.
            None (default): Inforu decides.
        :param data_options: More fields of Inforu's request, placed next to ``List``.
        :param call_options: More fields of Inforu's request, placed in each call.
        :raises InforuInputError: A call is invalid, or the list has more than 100 calls. Nothing was sent.
        :raises InforuError: The request failed, as in `call`.
        """
        data = voice.existing_campaign_data(
            campaign_id,
            read_calls(calls),
            duplicate=duplicate,
            duplicate_name=duplicate_name,
            ignore_possible_sending_time=ignore_possible_sending_time,
            data_options=data_options,
            call_options=call_options,
        )
        return self.prepare_send(voice.SEND_EXISTING_CAMPAIGN, data)()

    def get_quota(
        self, *, usage: str = admin.VOICE_QUOTA, level: str = "User", level_value: str | None = None
    ) -> list[Quota]:
        """Return the remaining quota of the account. This calls nobody.

        :param usage: The kind of quota: ``IVR`` (default, voice calls), ``SMS``, ``Email``, or empty for all.
        :param level: The level of the quota: ``User`` (default), ``Project``, ``Customer`` or ``Partner``.
        :param level_value: The name or number of this level. None (default): your own.
        :raises InforuError: The request failed, as in `call`.
        """
        data = admin.quota_data(usage=usage, level=level, level_value=level_value)
        return admin.read_quota(self.call(admin.GET_QUOTA, data))

    def get_job_status(self, request_token: str) -> JobStatus:
        """Return the status of an accepted request, through the status function of the connection.

        :param request_token: The RequestToken in a `SendReceipt` or a manifest.
        :raises InforuInputError: The field ``status_function`` or the token is empty.
        :raises InforuError: The request failed, as in `call`.
        """
        return read_job_status(self.call, self.inforu_conn_id, self.settings.status_function, request_token)

    def get_receiver(self) -> ReceiverClient:
        """Check that the receiver answers and accepts the secret, and return its client.

        The operators do this before the first call.

        :raises InforuInputError: The connection has no valid ``receiver_url`` or no valid secret.
        :raises ReceiverError: The receiver does not answer now. A retry may succeed.
        :raises AirflowFailException: The receiver refuses the request. A retry would fail again.
        """
        from airflow_provider_inforu.hooks.receiver_access import check_receiver

        check_receiver(self.inforu_conn_id, self.settings)
        return self.receiver

    @cached_property
    def receiver(self) -> ReceiverClient:
        """The client that reads from the receiver. Its creation sends no request.

        :raises InforuInputError: The connection has no valid ``receiver_url`` or no valid secret.
        """
        from airflow_provider_inforu.hooks.receiver_access import new_receiver

        return new_receiver(self.inforu_conn_id, self.settings)

    def get_send_summary(self, send_id: str) -> SendSummary:
        """Return the counts of a send's ended calls from the receiver. For an unknown send they are zero.

        :param send_id: The ``send_id`` in a manifest.
        :raises InforuInputError: The connection has no receiver, or ``send_id`` is invalid.
        :raises ReceiverError: The request to the receiver failed.
        """
        from airflow_provider_inforu.outcomes.awaited import read_send_id

        return self.receiver.get_summary(read_send_id(send_id))

    def iter_call_results(self, send_id: str, status: str | None = None) -> Iterator[CallResult]:
        """Yield the outcome of each ended call of a send from the receiver, with the recipient's key.

        :param send_id: The ``send_id`` in a manifest.
        :param status: Yield only calls with this status, for example ``Answered``. None (default): all.
        :raises InforuInputError: The connection has no receiver, or ``send_id`` is invalid.
        :raises ReceiverError: The request to the receiver failed.
        """
        from airflow_provider_inforu.outcomes.awaited import read_send_id

        return self.receiver.iter_calls(read_send_id(send_id), status)

    def wait(
        self,
        send: Mapping[str, Any] | str,
        *,
        expected: int | None = None,
        source: SourceName = "notifications",
        complete_when: float = 1.0,
        timeout: float = 3600,
        poll_interval: float = 30,
        on_timeout: OnTimeout = "fail",
    ) -> SendSummary:
        """Wait until the calls of a send have ended, and return the counts. This holds the worker.

        To wait without a worker, use `InforuVoiceJobSensor` with ``deferrable=True``.

        :param send: The manifest that an operator returned, or a ``send_id``. A ``send_id`` also needs
            ``expected``.
        :param expected: The number of calls to wait for. None (default): the number of accepted calls in the
            manifest.
        :param source: Where to ask for ended calls: ``notifications`` (default) asks the receiver,
            ``status_function`` asks Inforu.
        :param complete_when: The share of the calls that must have ended, above 0 and at most 1 (default 1).
        :param timeout: The longest wait in seconds (default 3600).
        :param poll_interval: Seconds between two polls (default 30).
        :param on_timeout: What to do after a timeout: ``fail`` (default) raises an error, ``succeed`` returns
            the counts of that moment.
        :raises InforuInputError: An argument or a field of the connection is invalid.
        :raises WaitTimeoutError: Too few calls have ended within ``timeout``.
        :raises InforuError: The outcomes of the calls cannot be read.
        """
        from airflow_provider_inforu.hooks.outcome_wait import wait_for_calls

        return wait_for_calls(
            self,
            send,
            expected=expected,
            source=source,
            complete_when=complete_when,
            timeout=timeout,
            poll_interval=poll_interval,
            on_timeout=on_timeout,
        )

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the connection works, and a message. This reads the quota and calls nobody."""
        try:
            quotas = self.get_quota()
        except InforuError as error:
            return False, call_it_this_connection(advise(error), self.inforu_conn_id)
        quota_text = "; ".join(str(quota) for quota in quotas) or "Inforu returned no quota for voice calls"
        return True, f"Connected to {self.settings.base_url} as {self.settings.username}. Quota: {quota_text}"
