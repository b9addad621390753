"""Writes local files atomically, so that they also survive a power failure."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL_PROTOCOLS = ("", "file", "local")
"""The schemes of fsspec's local file system: no scheme, ``file://`` and ``local://``."""
DRAFT_SUFFIX = ".draft"
OLD_SECONDS = 600.0
"""An older draft is not being written any more."""


class StoragePath(Protocol):
    """The attributes of an object-storage path that show whether it is local."""

    @property
    def protocol(self) -> str:
        """The scheme; empty without a scheme."""

    @property
    def path(self) -> str:
        """The path after the scheme."""


def local_path(path: StoragePath) -> Path | None:
    """Return the local path of an object-storage path; None if the storage is remote.

    :param path: The path, with or without a scheme.
    """
    return Path(path.path) if path.protocol in LOCAL_PROTOCOLS else None


def write_atomically(path: Path, content: str) -> None:
    """Replace a file in one step. Readers see either the old or the new content, also after a crash.

    :param path: The file. Its folder must exist.
    :param content: The new content.
    :raises OSError: The write failed, and the file did not change.
    """
    with open_atomically(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_atomically(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 draft for writing. It replaces the file when the block ends without an error.

    :param path: The file. Its folder must exist.
    :raises OSError: The write failed, and the file did not change.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}{DRAFT_SUFFIX}")
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folders(path: Path) -> None:
    """Create a folder and its missing parent folders, so that they survive a crash.

    :param path: The folder.
    :raises OSError: A folder cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def remove_old_drafts(folder: Path) -> None:
    """Remove the drafts of killed processes from a folder. Keep recent drafts: a process may write them.

    :param folder: The folder.
    """
    for draft in folder.glob(f"*{DRAFT_SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > OLD_SECONDS:
                draft.unlink()


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk. Otherwise a new file name may be lost in a power failure.

    :param folder: The folder.
    :raises OSError: The disk failed. A file system that cannot sync folders raises no error.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
