"""The receiver's data about a send: a summary of counts, and the outcome of each call by its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_inforu.capi.call_outcome import CallOutcome
from airflow_provider_inforu.outcomes.json_fields import (
    read_count,
    read_counts,
    read_mapping,
    read_text,
    read_text_or_none,
    read_time,
)
from airflow_provider_inforu.outcomes.outcome_json import outcome_to_json, read_outcome

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SendSummary:
    """The counts of a send's ended calls.

    :ivar send_id: The ID of the send.
    :ivar calls: The number of ended calls.
    :ivar by_status: The number of ended calls for each status, for example ``{"Answered": 7}``.
    :ivar by_digit: The number of ended calls for each pressed key of the phone, for example ``{"1": 3}``.
    :ivar first_at: When the first call ended, in UTC, or None.
    :ivar last_at: When the last call ended, in UTC, or None.
    """

    send_id: str
    calls: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    by_digit: Mapping[str, int] = field(default_factory=dict)
    first_at: dt.datetime | None = None
    last_at: dt.datetime | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the summary from the receiver's response or the result of `to_json`.

        :param value: A JSON value.
        :raises ValueError: A field is invalid; the message names it.
        """
        fields = read_mapping(value, "a summary")
        return cls(
            send_id=read_text(fields, "send_id"),
            calls=read_count(fields.get("calls"), "calls"),
            by_status=read_counts(fields, "by_status"),
            by_digit=read_counts(fields, "by_digit"),
            first_at=read_time(fields, "first_at"),
            last_at=read_time(fields, "last_at"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain JSON."""
        return {
            "send_id": self.send_id,
            "calls": self.calls,
            "by_status": dict(self.by_status),
            "by_digit": dict(self.by_digit),
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
        }


# A dataclass takes the fields of its bases from right to left, so these precede the fields of `CallOutcome`.
# Their slots are empty, because only one base of a class may have slots of its own.
@dataclass(frozen=True)
class _HasKey:
    __slots__ = ()

    key: str


@dataclass(frozen=True)
class _HasSendAndKey:
    __slots__ = ()

    send_id: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class CallResult(CallOutcome, _HasKey):
    """The outcome of one call.

    :ivar key: The key of the recipient.
    """

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the outcome from one item of the receiver's list or the result of `to_json`.

        :param value: A JSON value.
        :raises ValueError: A field is invalid; the message names it.
        """
        fields = read_mapping(value, "a call")
        return cls(key=read_text(fields, "key"), **read_outcome(fields))

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON."""
        return {"key": self.key, **outcome_to_json(self)}


@dataclass(frozen=True, slots=True)
class CallEvent(CallOutcome, _HasSendAndKey):
    """One notification of the receiver's feed.

    :ivar send_id: The ID of the send; None if this provider did not make the call.
    :ivar key: The key of the recipient; None if this provider did not make the call.
    :ivar received_at: When the notification arrived, in UTC.
    """

    received_at: dt.datetime | None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the notification from one item of the receiver's feed or the result of `to_json`.

        :param value: A JSON value.
        :raises ValueError: A field is invalid; the message names it.
        """
        fields = read_mapping(value, "a notification")
        return cls(
            send_id=read_text_or_none(fields, "send_id"),
            key=read_text_or_none(fields, "key"),
            received_at=read_time(fields, "received_at"),
            **read_outcome(fields),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the notification as plain JSON."""
        return {
            "send_id": self.send_id,
            "key": self.key,
            **outcome_to_json(self),
            "received_at": self.received_at and self.received_at.isoformat(),
        }
