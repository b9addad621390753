"""Opens a file on any storage of Airflow, and detects a change during reading."""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from airflow_provider_inforu.capi.redact import hide_phones_in_path
from airflow_provider_inforu.recipients.input_rows import SourceError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_BUFFER = 256 * 1024
_MARKS_OF_A_VERSION = (
    "size",
    "mtime",
    "ino",
    "LastModified",
    "last_modified",
    "updated",
    "ETag",
    "etag",
    "generation",
)
"""Fields of fsspec's file systems that change when a file is written again."""


@contextmanager
def open_source(path: str | os.PathLike[str], *, unpack: bool) -> Iterator[BinaryIO]:
    """Open a file for reading, and check at the end that it did not change.

    :param path: A path, or a URL that Airflow's ``ObjectStoragePath`` can open.
    :param unpack: Whether the file is packed with gzip.
    :raises SourceError: The file cannot be opened. At the end: the file changed while it was read.
    """
    from airflow.sdk import ObjectStoragePath

    shown = hide_phones_in_path(str(path))
    try:
        # An ObjectStoragePath that is made of another one without a scheme cannot be opened.
        target: Any = path if isinstance(path, ObjectStoragePath) else ObjectStoragePath(path)
        before = _version(target)
        file = target.open("rb")
    except Exception as error:  # object storages raise errors of any type
        raise SourceError(
            f"{shown!r} cannot be opened ({type(error).__name__}: {hide_phones_in_path(str(error))}).",
            "Check the path and the connection of the storage.",
        ) from None
    with file:
        buffered = io.BufferedReader(file, _BUFFER)
        yield cast("BinaryIO", gzip.GzipFile(fileobj=buffered) if unpack else buffered)
    after = _version(target)
    if before and after and before != after:
        raise SourceError(
            f"{shown!r} changed while it was read.",
            "Write the file elsewhere, move it there when it is complete, then retry.",
        )


def _version(target: Any) -> dict[str, Any]:  # noqa: ANN401 - a path
    """Return the fields that identify a version of the file; {} if the file system has no such fields."""
    try:
        storage = target.fs
        # File systems of object stores cache the fields.
        storage.invalidate_cache(target.path)
        found = storage.info(target.path)
    except Exception:  # opening the file raises the same error again
        return {}
    return {mark: found[mark] for mark in _MARKS_OF_A_VERSION if mark in found}
