"""The names under which a ledger keeps its values."""

from __future__ import annotations

PREFIX = "inforu_ledger"
"""Airflow's task state is shared with whatever else the task keeps there."""
PARTS_BEGUN_TOGETHER = 8
"""A mark costs a write while answers wait; more parts to a mark cost readers looks at what is not there."""


def attempt_key(attempt: str) -> str:
    """Return the key of an attempt's document.

    :param attempt: Its name.
    """
    return f"{PREFIX}.{attempt}"


def segment_key(attempt: str, segment: int) -> str:
    """Return the key of a part of an attempt's log.

    :param attempt: Its name.
    :param segment: Which part, from 0.
    """
    return f"{attempt_key(attempt)}.{segment}"


def begins_parts(segment: int) -> bool:
    """Return whether a part of an attempt's log is the first of those that are begun together.

    :param segment: Which part, from 1: the attempt's document is the mark of part 0.
    """
    return segment % PARTS_BEGUN_TOGETHER == 1


def opening_key(attempt: str, segment: int) -> str:
    """Return the key of the mark that says that a part of an attempt's log was begun, with those beside it.

    :param attempt: Its name.
    :param segment: Which part, from 1.
    """
    first = segment - (segment - 1) % PARTS_BEGUN_TOGETHER
    return f"{segment_key(attempt, first)}.begun"


def decision_key(request: str) -> str:
    """Return the key of the decision about a request in doubt.

    :param request: Names the request.
    """
    return f"{PREFIX}.decision.{request}"
