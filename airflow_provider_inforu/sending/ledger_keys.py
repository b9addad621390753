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


def decisions_key(send_id: str, number: int) -> str:
    """Return the key of decisions about batches in doubt.

    :param send_id: The send.
    :param number: Which part of them, from 0.
    """
    return f"{PREFIX}.{send_id}.decisions.{number}"
