"""Stores a ledger below an object-storage path, on a disk or in an object store."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.ledger.ledger_errors import (
    NO_MORE_CALLS,
    LedgerError,
    LedgerStoreError,
    describe_damage,
)
from airflow_provider_inforu.ledger.ledger_keys import attempt_key
from airflow_provider_inforu.ledger.ledger_reader import exists
from airflow_provider_inforu.ledger.local_files import (
    local_path,
    make_folders,
    remove_old_drafts,
    sync_folder,
    write_atomically,
)
from airflow_provider_inforu.ledger.newest_segment import read_newest_segment
from airflow_provider_inforu.ledger.storage_errors import check_no_password, explain_storage_errors
from airflow_provider_inforu.ledger.task_state_store import REPLACED, SURE_WITHIN_SECONDS, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT_MARKER = "~inforu-ledgers"
"""File next to the folders of DAGs. A DAG ID cannot contain a tilde."""
CLAIM_TRIES = 5
"""How often an attempt writes a claim while other attempts write later claims."""


class ObjectStorageStore:
    """Stores a ledger below an object-storage path, on any version of Airflow.

    The storage does not stop the writes of a replaced attempt. So each attempt first writes a claim, which is
    its fencing token. After each write, the attempt checks for a later claim. A later attempt writes its
    claim before it reads the ledger. So either it reads the value, or the earlier attempt sees the claim and
    sends nothing. The storage must list each file as soon as it is written. S3, GCS, Azure and disks do this.

    :param root: A path or URL that fsspec can open: the option ``[inforu] ledger_path``.
    :param parts: The names that identify the task instance. Each one is a folder below ``root``.
    """

    is_durable = True
    ambiguous_write_threshold = SURE_WITHIN_SECONDS

    def __init__(self, root: str, parts: Sequence[str]) -> None:
        """Open the store. This reads and writes nothing.

        :param root: See above.
        :param parts: See above.
        :raises LedgerError: The root contains a password.
        :raises LedgerStoreError: The root is not a path or URL that fsspec can open.
        """
        from airflow.sdk import ObjectStoragePath

        check_no_password(root)
        with explain_storage_errors(root):
            self._root = self._folder = ObjectStoragePath(root)
            for part in parts:
                self._folder /= _quote(part)
        self._claim: str | None = None
        self._is_marked = False

    def has_root_marker(self) -> bool:
        """Return whether the root folder contains the marker of an earlier try.

        The marker is missing if a volume is not mounted, or if the path is the disk of another worker.

        :raises LedgerStoreError: The storage failed.
        """
        with explain_storage_errors(self._root):
            storage = _get_storage(self._root)
            storage.invalidate_cache(self._root.path)
            self._is_marked = bool(storage.exists((self._root / ROOT_MARKER).path))
        return self._is_marked

    def make_root_marker(self) -> None:
        """Write the marker into the root folder. Create the folder if it is missing.

        :raises LedgerStoreError: The storage failed.
        """
        with explain_storage_errors(self._root):
            if folder := local_path(self._root):
                make_folders(folder)
            _create_empty(self._root / ROOT_MARKER)

    def acquire_fencing_token(self) -> str:
        """Write a claim that sorts after all existing claims, and return its name.

        :raises LedgerStoreError: The storage failed, or the marker of the root folder has disappeared.
        :raises LedgerError: Other attempts began at the same moment.
        """
        claims = self._folder / "claims"
        if self._is_marked and not self.has_root_marker():
            raise LedgerStoreError(self._describe_missing_folder())
        with explain_storage_errors(self._root):
            if folder := local_path(claims):
                make_folders(folder)
            # The claim of the newest segment's attempt may be lost.
            newest = read_newest_segment(self.get)
            known = {newest.attempt if newest else "0"}
            for _ in range(CLAIM_TRIES):
                name = _name_after(max(self._read_claims() | known))
                _create_empty(claims / name)
                if max(self._read_claims()) == name:
                    self._claim = name
                    self._remove_drafts()
                    return name
        raise LedgerError(
            f"Other attempts of this task began at the same moment. {NO_NEW_CALLS}. Clear the task when they "
            "have ended"
        )

    def _remove_drafts(self) -> None:
        """Remove the incomplete files of killed attempts."""
        if folder := local_path(self._folder):
            remove_old_drafts(folder)

    def latest(self) -> str | None:
        """Return the name of the last attempt that wrote its document; None without a ledger.

        An attempt with a claim and without a document has sent nothing, unless it wrote the newest segment:
        then its document is lost.
        """
        newest = read_newest_segment(self.get)
        for name in sorted(self._read_claims(), reverse=True):
            if newest and name <= newest.attempt:
                break
            if exists(self.get, attempt_key(name)):
                return name
        return newest.attempt if newest else None

    def get(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return the value of a key; None if it is missing.

        :param key: Key of the value.
        :raises DamagedValueError: The value is not JSON.
        :raises LedgerStoreError: The storage failed.
        """
        try:
            with explain_storage_errors(self._root, may_be_missing=True):
                return parse((self._folder / f"{key}.json").read_bytes(), key)
        except FileNotFoundError:
            return None

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value. Before and after, check that no later attempt has begun.

        The first check avoids a useless write. The second check proves that later attempts see the value.

        :param key: Key of the value.
        :param value: The value.
        :raises LedgerError: A later attempt has begun, so this attempt must not send.
        :raises LedgerStoreError: The storage failed, or the claims have disappeared.
        """
        self._check_claims()
        try:
            self.put(key, value)
        finally:
            self._check_claims()

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, without a check of the claims.

        :param key: Key of the value.
        :param value: The value.
        :raises LedgerStoreError: The storage failed.
        """
        with explain_storage_errors(self._root):
            _write(self._folder / f"{key}.json", json.dumps(value))

    def _check_claims(self) -> None:
        claims = self._read_claims()
        if not claims:
            raise LedgerStoreError(self._describe_missing_folder())
        if max(claims) != self._claim:
            raise LedgerError(REPLACED)

    def _describe_missing_folder(self) -> str:
        return (
            f"The folder of the ledger below {str(self._root)!r} has disappeared. {NO_MORE_CALLS}. Is its "
            "volume mounted? A retry calls nobody twice"
        )

    def _read_claims(self) -> frozenset[str]:
        folder = self._folder / "claims"
        try:
            with explain_storage_errors(self._root, may_be_missing=True):
                storage = _get_storage(folder)
                # File systems of object stores cache listings, and a cached listing has no new claims.
                storage.invalidate_cache(folder.path)
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
    """Write a value in one step: readers see all of it or nothing."""
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


def _name_after(latest: str) -> str:
    """Return a unique name that sorts after the latest claim."""
    number = latest.split("-")[0]
    if not number.isdecimal():
        problem = f"the file {latest!r} in its folder `claims` is not a claim"
        raise LedgerError(describe_damage(problem, advice="Remove the file, then clear the task"))
    return f"{int(number) + 1:06d}-{secrets.token_hex(4)}"


def iter_folders(root: str, wanted: Sequence[str | None]) -> Iterator[tuple[str, ...]]:
    """Yield the names that identify each task instance with a ledger. The latest runs come first.

    :param root: The root folder, see `ObjectStorageStore`.
    :param wanted: A name for each level of folders below the root. None: all folders of this level.
    """
    from airflow.sdk import ObjectStoragePath

    check_no_password(root)
    with explain_storage_errors(root):
        folder = ObjectStoragePath(root)
        # The root also contains files that are not ledgers, such as cool-downs. Their names begin with a
        # tilde.
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
    # The ID of a run ends in a date, after the type of the run.
    return sorted(names, key=lambda name: (unquote(name).rsplit("__", 1)[-1], name), reverse=True)
