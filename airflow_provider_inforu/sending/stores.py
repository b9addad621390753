"""Where a ledger is kept: Airflow's task state, object storage, or, where nothing lasts, memory."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_inforu.sending.batch_state import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence


class MemoryStore:
    """Keeps a ledger as long as the process lives: for a first try where no other store is."""

    is_durable = False

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def claim(self) -> None:
        """Nobody else can write here."""

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        return self._values.get(key)

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value."""
        self._values[key] = value


class TaskStateStore:
    """Keeps a ledger in Airflow's task state (3.3 and later), which survives retries, kills and clears.

    An attempt that Airflow has given up reads nothing there, and fails to write.

    :param state: ``context["task_state_store"]``.
    """

    is_durable = True

    def __init__(self, state: Any) -> None:  # noqa: ANN401 - absent from Airflow below 3.3
        self._state = state

    def claim(self) -> None:
        """Airflow does it: it knows one attempt of a task instance at a time."""

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        return self._state.get(key)

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value that never expires."""
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # missing in Airflow's own stub

        self._state.set(key, value, retention=NEVER_EXPIRE)


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

    def __init__(self, root: str, parts: Sequence[str]) -> None:
        from airflow.sdk import ObjectStoragePath

        self._folder = ObjectStoragePath(root)
        for part in parts:
            self._folder /= quote(part, safe="")
        self._claims: frozenset[str] = frozenset()

    def claim(self) -> None:
        """Leave a claim."""
        folder = self._folder / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{time.time_ns()}-{secrets.token_hex(4)}").write_text("")
        self._claims = self._read_claims()

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        try:
            return json.loads((self._folder / f"{key}.json").read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise LedgerError(f"the ledger cannot be read: {key}.json is not JSON") from None

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, and make sure that no later attempt has begun, before and after.

        Before, so that an attempt that woke up late overwrites nothing of a later one's; after, so that what
        was written is known to be seen.

        :raises LedgerError: A later attempt has begun: this one must not send.
        """
        self._check_claims()
        self._write(self._folder / f"{key}.json", json.dumps(value))
        self._check_claims()

    def _check_claims(self) -> None:
        if self._read_claims() != self._claims:
            raise LedgerError("another attempt of this task has begun: this one sends nothing more")

    @staticmethod
    def _write(path: Any, text: str) -> None:  # noqa: ANN401 - an ObjectStoragePath
        if path.protocol != "file":
            path.write_text(text)  # an object appears whole or not at all
            return
        draft = Path(f"{path.path}.draft")
        draft.write_text(text)
        draft.replace(path.path)

    def _read_claims(self) -> frozenset[str]:
        folder = self._folder / "claims"
        storage = getattr(folder, "__wrapped__", folder).fs
        # File systems of object stores remember listings, and a remembered one shows no new claim.
        storage.invalidate_cache(folder.path)
        return frozenset(path.rsplit("/", 1)[-1] for path in storage.ls(folder.path, detail=False))
