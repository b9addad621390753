"""Where a ledger is kept below an object-storage path, on a disk or in an object store."""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_inforu.ledger.ledger_errors import DAMAGED, LedgerError, LedgerStoreError
from airflow_provider_inforu.ledger.ledger_keys import attempt_key
from airflow_provider_inforu.ledger.ledger_reader import exists
from airflow_provider_inforu.ledger.local_files import (
    local_path,
    make_folders,
    remove_old_drafts,
    sync_folder,
    write_atomically,
)
from airflow_provider_inforu.ledger.task_state_store import REPLACED, SURE_WITHIN_SECONDS, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT_MARKER = "~inforu-ledgers"
"""Next to the folders of DAGs: no DAG may be called so."""
CLAIM_TRIES = 5
"""So often attempts that begin at the same moment may get in each other's way."""


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
    ambiguous_write_threshold = SURE_WITHIN_SECONDS

    def __init__(self, root: str, parts: Sequence[str]) -> None:
        from airflow.sdk import ObjectStoragePath

        self._root = self._folder = ObjectStoragePath(root)
        for part in parts:
            self._folder /= _quote(part)
        self._claim: str | None = None
        self._is_marked = False

    def has_root_marker(self) -> bool:
        """Return whether the root carries the mark that a first try leaves there.

        A volume that is not mounted, or the disk of another worker, carries none.
        """
        with _clear_errors(self._root):
            storage = _get_storage(self._root)
            storage.invalidate_cache(self._root.path)
            self._is_marked = bool(storage.exists((self._root / ROOT_MARKER).path))
        return self._is_marked

    def make_root_marker(self) -> None:
        """Mark the root as a place of ledgers, and make it where it is missing."""
        with _clear_errors(self._root):
            if folder := local_path(self._root):
                make_folders(folder)
            _create_empty(self._root / ROOT_MARKER)

    def acquire_fencing_token(self) -> str:
        """Leave a claim that sorts after all that are there, and return its name.

        :raises LedgerError: Other attempts begin at the same moment.
        """
        claims = self._folder / "claims"
        if self._is_marked and not self.has_root_marker():
            raise LedgerStoreError(self._gone())
        with _clear_errors(self._root):
            if folder := local_path(claims):
                make_folders(folder)
            for _ in range(CLAIM_TRIES):
                name = _name_after(max(self._read_claims(), default="0"))
                _create_empty(claims / name)
                if max(self._read_claims()) == name:
                    self._claim = name
                    self._remove_drafts()
                    return name
        raise LedgerError("other attempts of this task begin at the same moment: this one sends nothing")

    def _remove_drafts(self) -> None:
        """Remove what killed attempts left half written."""
        if folder := local_path(self._folder):
            remove_old_drafts(folder)

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None where there is no ledger.

        An attempt that left a claim and no document died before it sent anything.
        """
        for name in sorted(self._read_claims(), reverse=True):
            if exists(self.get, attempt_key(name)):
                return name
        return None

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return a value, or None where there is none."""
        try:
            with _clear_errors(self._root, may_be_missing=True):
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
        try:
            self.put(key, value)
        finally:
            self._check_claims()

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, whoever may write the ledger."""
        with _clear_errors(self._root):
            _write(self._folder / f"{key}.json", json.dumps(value))

    def _check_claims(self) -> None:
        with _clear_errors(self._root):
            claims = self._read_claims()
        if not claims:
            raise LedgerStoreError(self._gone())
        if max(claims) != self._claim:
            raise LedgerError(REPLACED)

    def _gone(self) -> str:
        return (
            f"The folder of the ledger below {str(self._root)!r} is gone. Is its volume mounted? A "
            "retry calls nobody twice"
        )

    def _read_claims(self) -> frozenset[str]:
        folder = self._folder / "claims"
        storage = _get_storage(folder)
        # File systems of object stores remember listings, and a remembered one shows no new claim.
        storage.invalidate_cache(folder.path)
        try:
            found = storage.ls(folder.path, detail=False)
        except FileNotFoundError:
            return frozenset()
        return frozenset(path.rstrip("/").rsplit("/", 1)[-1] for path in found) - {folder.name}


def _quote(name: str) -> str:
    """Return a name as one part of a path. A DAG may have the ID ``..``."""
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")


def _get_storage(path: Any) -> Any:  # noqa: ANN401 - an object-storage path and its file system
    return getattr(path, "__wrapped__", path).fs


def _write(path: Any, content: str) -> None:  # noqa: ANN401 - an object-storage path
    """Write a value that appears whole or not at all."""
    if file := local_path(path):
        write_atomically(file, content)
    else:
        path.write_bytes(content.encode())


def _create_empty(path: Any) -> None:  # noqa: ANN401 - an object-storage path
    if file := local_path(path):
        file.touch()
        sync_folder(file.parent)
    else:
        path.write_bytes(b"")


@contextlib.contextmanager
def _clear_errors(root: Any, *, may_be_missing: bool = False) -> Iterator[None]:  # noqa: ANN401 - a path
    """Say which ledger failed, and that a retry is safe, where a disk only says "No space left on device".

    :raises LedgerStoreError: In place of an OSError that is not a missing file.
    """
    try:
        yield
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            raise
        raise LedgerStoreError(
            f"the ledger below {str(root)!r} cannot be read or written "
            f"({type(error).__name__}: {error.strerror or error}). "
            "Check that the storage is mounted, writable and not full. A retry calls nobody twice"
        ) from error


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
    for name in [_quote(wanted[0])] if wanted[0] is not None else _names_in(folder):
        for rest in _iter_parts(folder / name, wanted[1:]):
            yield (unquote(name), *rest)


def _names_in(folder: Any) -> list[str]:  # noqa: ANN401 - a path
    try:
        names = {path.name for path in folder.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        return []
    # The names of runs end in a date, after what kind of run it is.
    return sorted(names, key=lambda name: (unquote(name).rsplit("__", 1)[-1], name), reverse=True)
