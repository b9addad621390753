"""Stores a ledger in Airflow's task state, or in memory if no durable store exists."""

from __future__ import annotations

import json
import math
import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.ledger.ledger_errors import (
    NO_MORE_CALLS,
    DamagedValueError,
    LedgerError,
    LedgerStoreError,
)
from airflow_provider_inforu.ledger.ledger_keys import NEWEST_SEGMENT_KEY, PREFIX, attempt_key
from airflow_provider_inforu.ledger.ledger_reader import exists
from airflow_provider_inforu.ledger.newest_segment import read_newest_segment

if TYPE_CHECKING:
    from collections.abc import Callable

SURE_WITHIN_SECONDS = 0.5
"""A write with an internal retry of the client usually takes longer. A single write rarely does."""
PROBE_KEY = f"{PREFIX}.probe"
_BEFORE_ALL = (1, -1)
"""The try number and the number of the run before the first attempt."""
UNRELIABLE = (
    f"Airflow's task state gave contradicting answers about the ledger. {NO_MORE_CALLS}. Check that every "
    "API server runs the same version of Airflow. A retry reads the ledger again"
)
REPLACED = (
    "Another attempt of this task has begun, so this attempt sends no more requests. The newer attempt "
    "continues the send: read its log"
)


class MemoryStore:
    """Stores a ledger until the process ends. For a first try without another store."""

    is_durable = False
    ambiguous_write_threshold = math.inf

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._attempts: list[str] = []

    def acquire_fencing_token(self) -> str:
        """Return a new name. No other process can write to this store."""
        self._attempts.append(f"{len(self._attempts) + 1:06d}")
        return self._attempts[-1]

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None without a ledger."""
        return next((name for name in self._attempts[::-1] if attempt_key(name) in self._values), None)

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return the value of a key; None if it is missing."""
        return self._values.get(key)

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value."""
        self._values[key] = value


class TaskStateStore:
    """Stores a ledger in Airflow's task state (3.3 and later), which survives retries, kills and clears.

    A replaced attempt reads nothing there, and its writes fail. Values are stored as JSON text: otherwise
    each process between the task and Airflow's database would validate every nested value.

    Airflow's client reports every "404 Not Found" as a missing value, also if the server lacks the route. So
    a missing value is read twice. Each attempt first writes a probe and reads it back.

    :param state: The object ``context["task_state_store"]``.
    :param try_number: Try number of the task instance, from 1. Each try has its own number.
    """

    is_durable = True

    def __init__(self, state: Any, try_number: int) -> None:  # noqa: ANN401 - absent from Airflow below 3.3
        self._state = state
        self._try_number = try_number

    @cached_property
    def ambiguous_write_threshold(self) -> float:
        """Seconds, less than the shortest wait of Airflow's client before it repeats a failed write."""
        from airflow_provider_inforu._compat import conf

        seconds = float(conf.getfloat("workers", "execution_api_retry_wait_min"))
        return min(SURE_WITHIN_SECONDS, seconds / 2)

    def acquire_fencing_token(self) -> str:
        """Return the name of this attempt. Airflow itself lets only one attempt of a task instance write.

        :raises LedgerStoreError: The probe cannot be read back.
        """
        probe = secrets.token_hex(8)
        self.set(PROBE_KEY, probe)
        if self._read(PROBE_KEY) != probe:
            raise LedgerStoreError(UNRELIABLE)
        last_try, last_run = _parse_attempt_name(self.latest() or "") or _BEFORE_ALL
        return make_attempt_name(self._try_number, last_run + 1 if last_try == self._try_number else 0)

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None without a ledger."""
        return latest_of_tries(self.get, self._try_number)

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return the value of a key; None if it is missing.

        :param key: Key of the value.
        :raises DamagedValueError: The value is not JSON.
        :raises LedgerStoreError: The first read found no value, and the second read found one.
        """
        value = self._read(key)
        # Without the newest segment, a reader only does not notice another loss. So it is read once.
        if value is None and key != NEWEST_SEGMENT_KEY and self._read(key) is not None:
            raise LedgerStoreError(UNRELIABLE)
        return value

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires.

        Airflow may check a slow write long before it confirms the write. In between, a later attempt may read
        the ledger. So a slow write is read back: a replaced attempt finds no value.

        :param key: Key of the value.
        :param value: The value.
        :raises LedgerError: A later attempt has begun, so this attempt must not send.
        """
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # missing in Airflow's own stub

        begun = time.monotonic()
        self._state.set(key, json.dumps(value), retention=NEVER_EXPIRE)
        if time.monotonic() - begun > self.ambiguous_write_threshold and self._read(key) is None:
            raise LedgerError(REPLACED)

    def _read(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        text = self._state.get(key)
        return None if text is None else parse(text, key)


def parse(text: object, key: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return a value from its stored JSON text.

    :param text: The stored text.
    :param key: Key of the value, for the error.
    :raises DamagedValueError: The text is not JSON.
    """
    try:
        if isinstance(text, str | bytes):
            return json.loads(text)
    except ValueError:
        pass
    raise DamagedValueError(f"The value {key} of the ledger is not JSON")


def make_attempt_name(try_number: int, run: int) -> str:
    """Return the name of an attempt in Airflow's task state.

    :param try_number: Try number of the task instance, from 1.
    :param run: Number of the run of this try, from 0. Airflow may run a try again after it lost contact.
    """
    return f"{try_number:06d}-{run}"


def _parse_attempt_name(name: str) -> tuple[int, int] | None:
    """Return the try number and the number of the run of an attempt; None for another name."""
    try_number, _, run = name.partition("-")
    return (int(try_number), int(run)) if try_number.isdecimal() and run.isdecimal() else None


def latest_of_tries(get: Callable[[str], Any], try_number: int) -> str | None:
    """Return the name of the latest attempt of a try and of all earlier tries; None without an attempt.

    A task cannot list the keys of its task state, so the possible names are tried one after the other. The
    attempt of the newest segment counts although its document is missing. One other document may be missing.

    :param get: Reads a value of the task's state.
    :param try_number: Number of the last try, from 1.
    """
    newest = read_newest_segment(get) if try_number else None
    newest_try, newest_run = (newest and _parse_attempt_name(newest.attempt)) or _BEFORE_ALL
    for number in range(try_number, newest_try - 1, -1):
        run = first = newest_run + 1 if number == newest_try else 0
        while any(exists(get, attempt_key(make_attempt_name(number, one))) for one in (run, run + 1)):
            run += 1
        if run > first:
            return make_attempt_name(number, run - 1)
    return make_attempt_name(newest_try, newest_run) if newest_run >= 0 else None
