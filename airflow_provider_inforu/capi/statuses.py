"""The known StatusIds, with their meanings and sources.

The vendor asks clients to check the StatusId or the HTTP status code. The wording of the description may
change (guide).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, Self

Source = Literal["guide", "vendor"]
"""``guide``: the vendor's guide for the voice functions. ``vendor``: its other documents, other functions."""


class StatusId(IntEnum):
    """A StatusId of the vendor, with its meaning, documented HTTP status code (or None) and source."""

    meaning: str
    http_status: int | None
    source: Source

    def __new__(cls, value: int, meaning: str, http_status: int | None, source: Source) -> Self:
        """Attach meaning, HTTP status code and source to the number."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.http_status = http_status
        member.source = source
        return member

    SUCCESS = 1, "OK", 200, "guide"
    GENERAL_FAILURE = -1, "General failure", 401, "guide"
    AUTHENTICATION_FAILED = -2, "Authentication failed or illegal IP address", 401, "guide"
    USER_NOT_ACTIVE = -221, "User not active", 403, "guide"
    LOCKED_OUT = -222, "Locked out", 403, "guide"
    TOO_MANY_RECORDS_100 = -2010, "Max records for this method is 100", 403, "guide"
    TOO_MANY_RECORDS_5000 = -2011, "Max records for this method is 5000", 403, "guide"
    REQUEST_TOKEN_NOT_FOUND = -2014, "RequestToken not found", 403, "guide"
    JOB_IN_PROGRESS = -2015, "Job in progress", 403, "guide"

    RECIPIENTS_MISSING = -6, "Recipients missing", None, "vendor"
    MESSAGE_TEXT_MISSING = -9, "Message text missing", None, "vendor"
    USER_QUOTA_EXCEEDED = -13, "User quota exceeded", None, "vendor"
    PROJECT_QUOTA_EXCEEDED = -14, "Project quota exceeded", None, "vendor"
    CUSTOMER_QUOTA_EXCEEDED = -15, "Customer quota exceeded", None, "vendor"
    WRONG_DATE_TIME = -16, "Wrong date-time", None, "vendor"
    WRONG_NUMBER_PARAMETER = -17, "Wrong number parameter", None, "vendor"
    NO_VALID_RECIPIENTS = -18, "No valid recipients", None, "vendor"
    USER_BLOCKED = -22, "User blocked", None, "vendor"
    USER_AUTHENTICATION_ERROR = -26, "User authentication error", None, "vendor"
    SENDER_ID_REFUSED_90 = -90, "Sender id refused", None, "vendor"
    SENDER_ID_REFUSED_94 = -94, "Sender id refused", None, "vendor"
    SENDER_ID_REFUSED_291 = -291, "Sender id refused", None, "vendor"
    MESSAGE_TOO_LONG = -96, "Message too long", None, "vendor"
    INVALID_URI = -230, "Invalid URI", None, "vendor"
    WRONG_TOKEN_TYPE = -231, "Wrong token type (a JWT token used with Basic)", None, "vendor"
    RATE_LIMIT = -429, "Rate limit exceeded", 429, "vendor"
    TOO_MANY_IN_ONE_MINUTE = -524, "Too many in one minute", None, "vendor"


def describe(status_id: int) -> str:
    """Return a StatusId and its meaning, for a log or an error: ``"-13: User quota exceeded"``.

    :param status_id: A StatusId from a response, known or unknown.
    """
    known = next((status for status in StatusId if status == status_id), None)
    return f"{status_id}: {known.meaning if known else 'unknown StatusId'}"
