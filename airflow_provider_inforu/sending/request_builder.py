"""Builds the content of each request of a send, for one function of the vendor's API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.sending.dispatch import COPY_UNKNOWN, FIRST, FirstBatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.ledger.ledger_log import Ledger
    from airflow_provider_inforu.recipients.batches import Batch


@dataclass(frozen=True, kw_only=True)
class RequestBuilder(ABC):
    """Builds the requests of one function.

    :ivar ignore_possible_sending_time: Whether to ignore the sending hours of the portal. None: the field is
        not sent.
    :ivar data_options: More fields of the request, or None.
    :ivar call_options: More fields of each call, or None.
    """

    function: ClassVar[str]
    ignore_possible_sending_time: bool | None
    data_options: Mapping[str, Any] | None
    call_options: Mapping[str, Any] | None

    @property
    def first_batch_creates_campaign(self) -> bool:
        """Whether the other batches need the campaign ID of the first batch's response."""
        return False

    @property
    def arguments(self) -> list[Any]:
        """The arguments that define the send. A retry with other values is refused."""
        return [self.function, *(getattr(self, one.name) for one in fields(self))]

    @abstractmethod
    def build(self, batch: Batch, ledger: Ledger) -> dict[str, Any]:
        """Return the content of ``Data`` in the request of a batch.

        :param batch: The batch.
        :param ledger: The ledger of the send.
        """


@dataclass(frozen=True, kw_only=True)
class TextToSpeechRequests(RequestBuilder):
    """Builds requests that read a text aloud (``Voice/Message/Send``).

    :ivar campaign_name: The name of a new campaign, or None.
    :ivar campaign_ref_id: Your own ID of the campaign, or None.
    """

    function: ClassVar[str] = voice.SEND_TEXT_TO_SPEECH
    campaign_name: str | None
    campaign_ref_id: str | None

    def build(self, batch: Batch, ledger: Ledger) -> dict[str, Any]:
        """Return the content of ``Data`` in the request of a batch."""
        send_id = ledger.header.send_id
        # Without an ID, Inforu would report the calls of a named campaign under its campaign of the month.
        default_ref_id = send_id if self.campaign_name else None
        return voice.text_to_speech_data(
            batch.calls(send_id),
            campaign_name=self.campaign_name,
            campaign_ref_id=self.campaign_ref_id or default_ref_id,
            ignore_possible_sending_time=self.ignore_possible_sending_time,
            data_options=self.data_options,
            call_options=self.call_options,
        )


@dataclass(frozen=True, kw_only=True)
class ExistingCampaignRequests(RequestBuilder):
    """Builds requests that play an existing campaign (``Voice/Campaign/SendExisting``).

    :ivar campaign_id: The ID of the campaign.
    :ivar duplicate: Whether the first batch copies the campaign. The other batches send the copy.
    :ivar duplicate_name: The name of the copy, or None.
    """

    function: ClassVar[str] = voice.SEND_EXISTING_CAMPAIGN
    campaign_id: str | int
    duplicate: bool
    duplicate_name: str | None

    @property
    def first_batch_creates_campaign(self) -> bool:
        """Whether the other batches need the campaign ID of the first batch's response."""
        return self.duplicate

    def build(self, batch: Batch, ledger: Ledger) -> dict[str, Any]:
        """Return the content of ``Data`` in the request of a batch.

        :raises FirstBatchError: The ledger does not contain the ID of the copy.
        """
        is_copy = self.duplicate and batch.number != FIRST
        makes_copy = self.duplicate and batch.number == FIRST
        return voice.existing_campaign_data(
            _find_copy(ledger) if is_copy else self.campaign_id,
            batch.calls(ledger.header.send_id),
            duplicate=True if makes_copy else None,
            duplicate_name=self.duplicate_name if makes_copy else None,
            ignore_possible_sending_time=self.ignore_possible_sending_time,
            data_options=self.data_options,
            call_options=self.call_options,
        )


def _find_copy(ledger: Ledger) -> int:
    first = ledger.accepted(FIRST)
    if first is None or first.campaign_id is None:
        raise FirstBatchError(COPY_UNKNOWN)
    return first.campaign_id
