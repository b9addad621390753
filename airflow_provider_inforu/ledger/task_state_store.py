"""Where a ledger is kept: Airflow's task state or, where nothing lasts, memory."""

from __future__ import annotations

import json
import math
import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.ledger.ledger_errors import (
    DAMAGED,
    DamagedValueError,
    LedgerError,
    LedgerStoreError,
)
from airflow_provider_inforu.ledger.ledger_keys import PREFIX, attempt_key
from airflow_provider_inforu.ledger.ledger_reader import exists

if TYPE_CHECKING:
    from collections.abc import Callable

SURE_WITHIN_SECONDS = 0.5
"""A client that fails, waits and tries again takes longer, as a rule; a write that works, hardly ever."""
PROBE_KEY = f"{PREFIX}.probe"
UNRELIABLE = (
    "Airflow's task state gives contradicting answers about the ledger. Check that every API server runs the "
    "same version of Airflow. A retry looks again"
)
REPLACED = "another attempt of this task has begun: this one sends nothing more"


class MemoryStore:
    """Keeps a ledger as long as the process lives: for a first try where no other store is."""

    is_durable = False
    ambiguous_write_threshold = math.inf

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._attempts: list[str] = []

    def acquire_fencing_token(self) -> str:
        """Return a name; nobody else can write here."""
        self._attempts.append(f"{len(self._attempts) + 1:06d}")
        return self._attempts[-1]

    def latest(self) -> str | None:
        """Return the name of the attempt that began last; None where there is no ledger."""
        return next((name for name in self._attempts[::-1] if attempt_key(name) in self._values), None)

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        return self._values.get(key)

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value."""
        self._values[key] = value


class TaskStateStore:
    """Keeps a ledger in Airflow's task state (3.3 and later), which survives retries, kills and clears.

    An attempt that Airflow has given up reads nothing there, and fails to write. Values are kept as
    JSON text: each process on the way to Airflow's database would check every part of a nested one.

    Airflow's client reports every "404 Not Found" as a missing value, also that of a server without the
    route. So a missing value is read twice, and each attempt first reads back a probe that it wrote.

    :param state: ``context["task_state_store"]``.
    :param try_number: Of the task instance, counts from 1. Each try has one of its own.
    """

    is_durable = True

    def __init__(self, state: Any, try_number: int) -> None:  # noqa: ANN401 - absent from Airflow below 3.3
        self._state = state
        self._try_number = try_number

    @cached_property
    def ambiguous_write_threshold(self) -> float:
        """Less than Airflow's client waits, at least, before it sends a write again that failed."""
        from airflow_provider_inforu._compat import conf

        seconds = float(conf.getfloat("workers", "execution_api_retry_wait_min"))
        return min(SURE_WITHIN_SECONDS, seconds / 2)

    def acquire_fencing_token(self) -> str:
        """Return a name. Airflow does the rest: it knows one attempt of a task instance at a time.

        :raises LedgerStoreError: What was just written cannot be read back.
        """
        probe = secrets.token_hex(8)
        self.set(PROBE_KEY, probe)
        if self._read(PROBE_KEY) != probe:
            raise LedgerStoreError(UNRELIABLE)
        last = last_of_try(self.get, self._try_number)
        return make_attempt_name(self._try_number, 0 if last is None else last + 1)

    def latest(self) -> str | None:
        """Return the name of the attempt that began last; None where there is no ledger."""
        return latest_of_tries(self.get, self._try_number)

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none.

        :raises LedgerStoreError: One answer says that there is a value, and another that there is none.
        """
        value = self._read(key)
        if value is None and self._read(key) is not None:
            raise LedgerStoreError(UNRELIABLE)
        return value

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires.

        A slow write may have passed Airflow's check long before it is acknowledged. A later attempt may have
        read the ledger in between, so the value is looked at again: a replaced attempt finds nothing.

        :raises LedgerError: A later attempt has begun: this one must not send.
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
    """Return a value from the text in which it is kept.

    :param text: What the store holds.
    :param key: Of the value.
    :raises DamagedValueError: It is not JSON.
    """
    try:
        if isinstance(text, str | bytes):
            return json.loads(text)
    except ValueError:
        pass
    raise DamagedValueError(f"{DAMAGED}: {key} is not JSON")


def make_attempt_name(try_number: int, run: int) -> str:
    """Return the name of an attempt in Airflow's task state.

    :param try_number: Of the task instance, from 1.
    :param run: Which run of that try, from 0: Airflow may run one anew that it lost sight of.
    """
    return f"{try_number:06d}-{run}"


def last_of_try(get: Callable[[str], Any], try_number: int) -> int | None:
    """Return the last run of a try that began an attempt; None where none did.

    :param get: Reads a value of the task's state.
    :param try_number: The try.
    """
    run = 0
    while exists(get, attempt_key(make_attempt_name(try_number, run))):
        run += 1
    return run - 1 if run else None


def latest_of_tries(get: Callable[[str], Any], try_number: int) -> str | None:
    """Return the name of the latest attempt of a try or of those before it; None where there is none.

    Airflow's task state cannot be listed by the task, but its tries can be counted.

    :param get: Reads a value of the task's state.
    :param try_number: The last try.
    """
    for number in range(try_number, 0, -1):
        if (run := last_of_try(get, number)) is not None:
            return make_attempt_name(number, run)
    return None
