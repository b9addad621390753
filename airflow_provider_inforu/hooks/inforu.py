"""The hook: a connection of type ``inforu`` and the functions of the API."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import BaseHook
from airflow_provider_inforu.capi import admin, jobs, voice
from airflow_provider_inforu.capi.errors import (
    NO_NEW_CALLS,
    InforuError,
    InforuInputError,
    InforuJobInProgressError,
    InforuRequestTokenNotFoundError,
)
from airflow_provider_inforu.capi.jobs import JobStatus
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from airflow_provider_inforu.hooks.advice import advise, call_it_this_connection
from airflow_provider_inforu.hooks.given_calls import read_calls
from airflow_provider_inforu.hooks.settings import (
    CONN_TYPE,
    ConnectionNotFoundError,
    InforuSettings,
    read_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow.sdk import Connection

    from airflow_provider_inforu.capi.admin import Quota
    from airflow_provider_inforu.capi.client import InforuClient
    from airflow_provider_inforu.capi.envelope import Reply
    from airflow_provider_inforu.capi.voice import Call, SendReceipt
    from airflow_provider_inforu.outcomes.awaited import OnTimeout
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient
    from airflow_provider_inforu.outcomes.sources import SourceName
    from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary


class InforuHook(BaseHook):
    """Calls people, and the other functions of the Inforu API, through an Airflow connection.

    One call of a method is one request at most; no method resends by itself. When an error's
    ``safe_to_resend`` is true, no call of the request was accepted.

    :param inforu_conn_id: The connection's id (``inforu_default``).
    """

    conn_name_attr = "inforu_conn_id"
    default_conn_name = "inforu_default"
    conn_type = CONN_TYPE
    hook_name = "Inforu"

    def __init__(self, inforu_conn_id: str = default_conn_name, **kwargs: Any) -> None:  # noqa: ANN401 - to BaseHook
        super().__init__(**kwargs)
        self.inforu_conn_id = inforu_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the form of Airflow 3.0 and 3.1 shows the fields; later ones read the provider info."""
        return {key.replace("-", "_"): value for key, value in FIELD_BEHAVIOUR.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields for Airflow 3.0 and 3.1; later ones read the provider info."""
        from airflow_provider_inforu.hooks.form import new_widget

        return {name: new_widget(spec) for name, spec in CONNECTION_FIELDS.items()}

    @cached_property
    def settings(self) -> InforuSettings:
        """The connection, read and checked; its secrets are masked in logs from here on.

        :raises InforuInputError: Names the field that is wrong.
        :raises ConnectionNotFoundError: Airflow does not find the connection; a retry asks again.
        """
        from airflow_provider_inforu._compat import AirflowNotFoundException

        try:
            connection = self.get_connection(self.inforu_conn_id)
        except AirflowNotFoundException:
            raise ConnectionNotFoundError(
                f"Airflow has no connection {self.inforu_conn_id!r}. {NO_NEW_CALLS}. Add a "
                "connection of type Inforu, or name another one in inforu_conn_id (default: "
                f"{self.default_conn_name})"
            ) from None
        return _read_masked(connection)

    async def load_settings(self) -> None:
        """Read the connection without blocking the event loop, as a trigger must.

        :raises InforuInputError: Names the field that is wrong.
        """
        from airflow_provider_inforu.hooks.loading import get_connection_async, in_airflow_thread

        connection = await get_connection_async(self.inforu_conn_id, self)
        # Masking asks the supervisor. From such a thread that works in every version of Airflow.
        self.settings = await in_airflow_thread(_read_masked, connection)

    @cached_property
    def _client(self) -> InforuClient:
        from airflow_provider_inforu.capi.client import InforuClient

        settings = self.settings
        return InforuClient(
            base_url=settings.base_url,
            username=settings.username,
            token=settings.token,
            auth_location=settings.auth_location,
            timeout=settings.timeout,
            proxy=settings.proxy,
        )

    def get_conn(self) -> InforuClient:
        """Return the client that makes the requests."""
        return self._client

    def call(self, function: str, data: Mapping[str, Any]) -> Reply:
        """Call any function of the API.

        :param function: Its path below ``/api/v2/``, for example ``Voice/Message/Send``.
        :param data: What goes under ``Data``.
        :raises InforuError: What went wrong, by type; ``safe_to_resend`` says whether it may be sent again.
        """
        return self._client.call(function, data)

    def prepare_send(self, function: str, data: Mapping[str, Any]) -> Callable[[], SendReceipt]:
        """Make a request of a voice function ready. Nothing is sent before what is returned is called.

        The operators send through it.

        :param function: ``Voice/Message/Send`` or ``Voice/Campaign/SendExisting``.
        :param data: What goes under ``Data``, its calls as ``List``.
        :return: Sends the request, once for each time it is called, and raises what `call` raises.
        :raises InforuInputError: ``data`` holds what JSON cannot.
        :raises InforuConnectionError: The connection's host is no address.
        """
        client, calls = self._client, len(data["List"])
        prepared = client.prepare(function, data)
        return lambda: voice.read_receipt(client.send(prepared), calls)

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
        """Call up to 100 people and read a text to each (``Voice/Message/Send``).

        :param calls: Mappings or dataclasses with ``phone``, ``text`` and perhaps ``message_id``; their
            phones are normalised. A `Call` is sent as it stands, so its phone must be in local form.
        :param campaign_name: The name of a new campaign.
        :param campaign_ref_id: Your id of the campaign under which the vendor reports.
        :param ignore_possible_sending_time: Ignore the sending hours that are set on the system.
        :param data_options: Fields of the vendor's that have no argument here, put beside ``List``.
        :param call_options: Fields of the vendor's that have no argument here, put into each call.
        :raises InforuInputError: A call that cannot be sent, or more than 100: nothing was sent.
        :raises InforuError: See `call`.
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
        """Call up to 100 people with a campaign that exists (``Voice/Campaign/SendExisting``).

        :param campaign_id: The campaign.
        :param calls: Mappings or dataclasses with ``phone`` and perhaps ``message_id``; their phones are
            normalised. A `Call` is sent as it stands, so its phone must be in local form.
        :param duplicate: Copy the campaign first and send the copy.
        :param duplicate_name: The name of the copy.
        :param ignore_possible_sending_time: Ignore the sending hours that are set on the system.
        :param data_options: Fields of the vendor's that have no argument here, put beside ``List``.
        :param call_options: Fields of the vendor's that have no argument here, put into each call.
        :raises InforuInputError: A call that cannot be sent, or more than 100: nothing was sent.
        :raises InforuError: See `call`.
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
        """Read what is left of the quota. It calls nobody.

        :param usage: ``IVR`` (default, voice), ``SMS``, ``Email``, or empty for all.
        :param level: ``User`` (default), ``Project``, ``Customer`` or ``Partner``.
        :param level_value: The name or number of that level where it is not your own.
        :raises InforuError: See `call`.
        """
        data = admin.quota_data(usage=usage, level=level, level_value=level_value)
        return admin.read_quota(self.call(admin.GET_QUOTA, data))

    def get_job_status(self, request_token: str) -> JobStatus:
        """Ask the account's status function about a RequestToken.

        :param request_token: From a `SendReceipt` or a manifest.
        :raises InforuInputError: The connection names no status function, or the token is empty.
        :raises InforuError: See `call`.
        """
        function = self.settings.status_function
        if function is None:
            raise InforuInputError(
                f"the connection {self.inforu_conn_id!r} names no status_function: the vendor documents none "
                "for voice, so its field is empty until the vendor gives your account one"
            )
        try:
            self.call(function, jobs.job_status_data(request_token))
        except InforuJobInProgressError:
            return JobStatus.IN_PROGRESS
        except InforuRequestTokenNotFoundError:
            return JobStatus.NOT_FOUND
        return JobStatus.FINISHED

    def get_receiver(self) -> ReceiverClient:
        """Ask the receiver whether it takes the secret, and return the client that reads from it.

        The operators do this before the first call.

        :raises InforuInputError: The connection names no receiver or no secret for it.
        :raises ReceiverError: The receiver cannot be asked now.
        :raises AirflowFailException: The receiver refuses, so a retry makes no sense.
        """
        from airflow_provider_inforu.hooks.receiver_access import check_receiver

        check_receiver(self.inforu_conn_id, self.settings)
        return self.receiver

    @cached_property
    def receiver(self) -> ReceiverClient:
        """The client that reads from the receiver. Making it asks nothing.

        :raises InforuInputError: The connection names no receiver or no secret for it.
        """
        from airflow_provider_inforu.hooks.receiver_access import new_receiver

        return new_receiver(self.inforu_conn_id, self.settings)

    def get_send_summary(self, send_id: str) -> SendSummary:
        """Ask the receiver how many calls of a send have ended, and how. A send nobody heard of has none.

        :param send_id: From a manifest.
        :raises InforuInputError: The connection names no receiver, or the send_id is none.
        :raises ReceiverError: The receiver could not be asked.
        """
        from airflow_provider_inforu.outcomes.awaited import read_send_id

        return self.receiver.get_summary(read_send_id(send_id))

    def iter_call_results(self, send_id: str, status: str | None = None) -> Iterator[CallResult]:
        """Yield how each call of a send ended, by the person's key, as the receiver knows it.

        :param send_id: From a manifest.
        :param status: Only calls that ended with this status, for example ``Answered``; None for all.
        :raises InforuInputError: The connection names no receiver, or the send_id is none.
        :raises ReceiverError: The receiver could not be asked.
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
        """Wait until the calls of a send have ended, holding the worker; a deferrable sensor does not.

        :param send: What an operator returned, or a send_id with ``expected``.
        :param expected: How many calls to wait for; by default those that the vendor accepted.
        :param source: ``notifications`` (default) asks the receiver, ``status_function`` the account's.
        :param complete_when: The share of the calls that must have ended (1.0).
        :param timeout: Seconds to wait at most (3600).
        :param poll_interval: Seconds between looks (30).
        :param on_timeout: ``fail`` (default), or ``succeed`` with what is known then.
        :raises InforuInputError: An argument, or a field of the connection, cannot be.
        :raises WaitTimeoutError: The time is over.
        :raises InforuError: It cannot be known what became of the calls.
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
        """Say whether the connection works, in words to act on. It reads the quota and calls nobody."""
        try:
            quotas = self.get_quota()
        except InforuError as error:
            return False, call_it_this_connection(advise(error), self.inforu_conn_id)
        said = "; ".join(str(quota) for quota in quotas) or "the vendor named no voice quota"
        return True, f"Connected to {self.settings.base_url} as {self.settings.username}. Quota: {said}"


def _read_masked(connection: Connection) -> InforuSettings:
    from airflow_provider_inforu._compat import mask_secret

    settings = read_settings(connection)
    for secret in settings.secrets():
        mask_secret(secret)
    return settings
