"""The names under which a ledger keeps its values."""

from __future__ import annotations

PREFIX = "inforu_ledger"
"""Airflow's task state is shared with whatever else the task keeps there."""


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


def opening_key(attempt: str, segment: int) -> str:
    """Return the key of the mark that says that a part of an attempt's log was begun.

    :param attempt: Its name.
    :param segment: Which part, from 1: the attempt's document is the mark of part 0.
    """
    return f"{segment_key(attempt, segment)}.begun"


def decision_key(request: str) -> str:
    """Return the key of the decision about a request in doubt.

    :param request: Names the request.
    """
    return f"{PREFIX}.decision.{request}"
