"""The keys of a ledger's values."""

from __future__ import annotations

PREFIX = "inforu_ledger"
"""Airflow's task state may also contain other values of the task."""
COUNTS_KEY = "inforu_send_counts"
"""The XCom with the counts at the end of a task's last try, for the page of calls."""
NEWEST_SEGMENT_KEY = f"{PREFIX}.newest_segment"
"""The newest segment that was surely written, see `NewestSegment`."""
SEGMENTS_IN_A_GROUP = 8
"""Segments for each segment marker. A smaller number costs more writes, a larger one more reads in vain."""


def attempt_key(attempt: str) -> str:
    """Return the key of an attempt's document.

    :param attempt: Name of the attempt.
    """
    return f"{PREFIX}.{attempt}"


def segment_key(attempt: str, segment: int) -> str:
    """Return the key of a segment of an attempt's log.

    :param attempt: Name of the attempt.
    :param segment: Number of the segment, from 0.
    """
    return f"{attempt_key(attempt)}.{segment}"


def begins_segment_group(segment: int) -> bool:
    """Return whether a segment is the first of its group.

    :param segment: Number of the segment, from 1. Segment 0 has no group: the attempt's document marks it.
    """
    return segment % SEGMENTS_IN_A_GROUP == 1


def segment_marker_key(attempt: str, segment: int) -> str:
    """Return the key of the segment marker of a segment's group.

    :param attempt: Name of the attempt.
    :param segment: Number of the segment, from 1.
    """
    first = segment - (segment - 1) % SEGMENTS_IN_A_GROUP
    return f"{segment_key(attempt, first)}.begun"


def decision_key(request: str) -> str:
    """Return the key of the decision about a request in doubt.

    :param request: Name of the request, see `BatchRecord.request`.
    """
    return f"{PREFIX}.decision.{request}"
