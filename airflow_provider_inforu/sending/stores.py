"""Where a ledger is kept: Airflow's task state, object storage, or, where nothing lasts, memory."""

from __future__ import annotations

import json
import math
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_inforu.sending.batch_state import DAMAGED, LedgerError
from airflow_provider_inforu.sending.ledger_keys import attempt_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SURE_WITHIN_SECONDS = 0.5
"""A client that fails, waits and tries again takes longer, as a rule; a write that works, hardly ever."""
CLAIM_TRIES = 5
"""So often attempts that begin at the same moment may get in each other's way."""


class MemoryStore:
    """Keeps a ledger as long as the process lives: for a first try where no other store is."""

    is_durable = False
    sure_within_seconds = math.inf

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._attempts: list[str] = []

    def claim(self) -> str:
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

    :param state: ``context["task_state_store"]``.
    :param try_number: Of the task instance, counts from 1. Each try has one of its own.
    """

    is_durable = True

    def __init__(self, state: Any, try_number: int) -> None:  # noqa: ANN401 - absent from Airflow below 3.3
        self._state = state
        self._try_number = try_number

    @cached_property
    def sure_within_seconds(self) -> float:
        """Less than Airflow's client waits, at least, before it sends a write again that failed."""
        from airflow_provider_inforu._compat import conf

        seconds = float(conf.getfloat("workers", "execution_api_retry_wait_min"))
        return min(SURE_WITHIN_SECONDS, seconds / 2)

    def claim(self) -> str:
        """Return a name. Airflow does the rest: it knows one attempt of a task instance at a time."""
        last = last_of_try(self.get, self._try_number)
        return name_of(self._try_number, 0 if last is None else last + 1)

    def latest(self) -> str | None:
        """Return the name of the attempt that began last; None where there is no ledger."""
        return latest_of_tries(self.get, self._try_number)

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        text = self._state.get(key)
        return None if text is None else parse(text, key)

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires."""
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # missing in Airflow's own stub

        self._state.set(key, json.dumps(value), retention=NEVER_EXPIRE)


def parse(text: object, key: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return a value from the text in which it is kept.

    :param text: What the store holds.
    :param key: Of the value.
    :raises LedgerError: It is not JSON.
    """
    try:
        if isinstance(text, str | bytes):
            return json.loads(text)
    except ValueError:
        pass
    raise LedgerError(f"{DAMAGED}: {key} is not JSON")


def name_of(try_number: int, run: int) -> str:
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
    while get(attempt_key(name_of(try_number, run))) is not None:
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
            return name_of(number, run)
    return None


class ObjectStorageStore:
    """Keeps a ledger below an object-storage path, on any version of Airflow.

    Nothing there keeps an attempt that Airflow has given up from writing, so each attempt leaves a claim, and
    after each write looks whether a later attempt has left one. A later attempt leaves its claim before it
    reads. So either it sees what was written, or the writer sees the claim and sends nothing. This needs a
    storage whose listings show what was written before, as those of S3, GCS, Azure and disks do.

    :param root: ``[inforu] ledger_path``: any URL that fsspec knows.
    :param parts: What names the task instance.
    """

    is_durable = True
    sure_within_seconds = SURE_WITHIN_SECONDS

    def __init__(self, root: str, parts: Sequence[str]) -> None:
        from airflow.sdk import ObjectStoragePath

        self._folder = ObjectStoragePath(root)
        for part in parts:
            self._folder /= quote(part, safe="")
        self._claim: str | None = None

    def claim(self) -> str:
        """Leave a claim that sorts after all that are there, and return its name.

        :raises LedgerError: Other attempts begin at the same moment.
        """
        folder = self._folder / "claims"
        # A path with no root begins with a bucket. It has no folders, and a mistyped one would be made, which
        # looks like one that holds no ledger.
        if folder.path.startswith("/"):
            folder.mkdir(parents=True, exist_ok=True)
        for _ in range(CLAIM_TRIES):
            name = _name_after(max(self._read_claims(), default="0"))
            (folder / name).write_text("")
            if max(self._read_claims()) == name:
                self._claim = name
                return name
        raise LedgerError("other attempts of this task begin at the same moment: this one sends nothing")

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None where there is no ledger.

        An attempt that left a claim and no document died before it sent anything.
        """
        for name in sorted(self._read_claims(), reverse=True):
            if self.get(attempt_key(name)) is not None:
                return name
        return None

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        try:
            return parse((self._folder / f"{key}.json").read_bytes(), key)
        except FileNotFoundError:
            return None

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, and make sure that no later attempt has begun, before and after.

        Before, so that an attempt that woke up late does not go on in vain; after, so that what was written
        is known to be seen.

        :raises LedgerError: A later attempt has begun: this one must not send.
        """
        self._check_claims()
        self.put(key, value)
        self._check_claims()

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, whoever may write the ledger."""
        path: Any = self._folder / f"{key}.json"
        if path.protocol != "file":
            path.write_text(json.dumps(value))  # an object appears whole or not at all
            return
        draft = Path(f"{path.path}.{secrets.token_hex(4)}.draft")
        draft.write_text(json.dumps(value))
        draft.replace(path.path)

    def _check_claims(self) -> None:
        if max(self._read_claims(), default=None) != self._claim:
            raise LedgerError("another attempt of this task has begun: this one sends nothing more")

    def _read_claims(self) -> frozenset[str]:
        folder = self._folder / "claims"
        storage = getattr(folder, "__wrapped__", folder).fs
        # File systems of object stores remember listings, and a remembered one shows no new claim.
        storage.invalidate_cache(folder.path)
        try:
            found = storage.ls(folder.path, detail=False)
        except FileNotFoundError:
            return frozenset()
        return frozenset(path.rstrip("/").rsplit("/", 1)[-1] for path in found) - {folder.name}


def _name_after(latest: str) -> str:
    """Return a name that sorts after another one, and that no other attempt has."""
    number = latest.split("-")[0]
    if not number.isdecimal():
        raise LedgerError(f"{DAMAGED}: among its claims is a file that is none")
    return f"{int(number) + 1:06d}-{secrets.token_hex(4)}"


def iter_folders(root: str, wanted: Sequence[str | None]) -> Iterator[tuple[str, ...]]:
    """Yield the parts that name what an `ObjectStorageStore` keeps a ledger of, the latest names first.

    :param root: As of the store.
    :param wanted: A part for each level below it, or None for all that are there.
    """
    from airflow.sdk import ObjectStoragePath

    folder = ObjectStoragePath(root)
    # Beside them may be what is no ledger, such as cool-downs: no DAG may be called so.
    dags = [name for name in _names_in(folder) if not name.startswith("~")]
    for dag in [unquote(name) for name in dags] if wanted[0] is None else [wanted[0]]:
        yield from _iter_parts(folder, [dag, *wanted[1:]])


def _iter_parts(folder: Any, wanted: Sequence[str | None]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - a path
    if not wanted:
        yield ()
        return
    for name in [quote(wanted[0], safe="")] if wanted[0] is not None else _names_in(folder):
        for rest in _iter_parts(folder / name, wanted[1:]):
            yield (unquote(name), *rest)


def _names_in(folder: Any) -> list[str]:  # noqa: ANN401 - a path
    try:
        names = {path.name for path in folder.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        return []
    # The names of runs end in a date, after what kind of run it is.
    return sorted(names, key=lambda name: (unquote(name).rsplit("__", 1)[-1], name), reverse=True)
