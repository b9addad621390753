"""The outcome of a call, as the vendor reports it: one model from the push to the report."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What the vendor reports about an ended call. Each field is None if the vendor did not send it.

    :ivar status: ``Answered``, another value of the vendor, or None.
    :ivar seconds: How long the person listened, in seconds, or None.
    :ivar digit: The key of the phone that the person pressed, or None.
    :ivar campaign_id: The vendor's campaign, or None.
    :ivar ended_at: When the call ended, in UTC; None if the vendor sent no valid date.
    """

    status: str | None
    seconds: int | None
    digit: str | None
    campaign_id: int | None
    ended_at: dt.datetime | None


OUTCOME_FIELDS = tuple(field.name for field in fields(CallOutcome))
