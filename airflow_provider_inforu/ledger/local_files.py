"""Local files that are written whole or not at all, and that survive a power cut."""

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
"""How fsspec names the local file system: without a scheme, ``file://`` and ``local://``."""
DRAFT_SUFFIX = ".draft"
OLD_SECONDS = 600.0


class StoragePath(Protocol):
    """The part of an object-storage path that says whether it is local."""

    @property
    def protocol(self) -> str:
        """The scheme; empty without one."""

    @property
    def path(self) -> str:
        """What follows the scheme."""


def local_path(path: StoragePath) -> Path | None:
    """Return the local path behind an object-storage path, or None where the storage is remote.

    :param path: With any scheme, or without one.
    """
    return Path(path.path) if path.protocol in LOCAL_PROTOCOLS else None


def write_atomically(path: Path, content: str) -> None:
    """Replace a file in one step: readers see the old content or the new one, after a crash too.

    :param path: The file. Its folder exists.
    :param content: The new content.
    :raises OSError: The file is as it was before.
    """
    with open_atomically(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_atomically(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 file for writing that replaces another one when the block ends without an error.

    :param path: The file. Its folder exists.
    :raises OSError: The file is as it was before.
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
    """Make a folder and the missing ones above it, so that they survive a crash.

    :param path: The folder.
    :raises OSError: It cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def remove_old_drafts(folder: Path) -> None:
    """Remove the drafts that killed processes left in a folder. A recent one may still be written.

    :param folder: The folder.
    """
    for draft in folder.glob(f"*{DRAFT_SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > OLD_SECONDS:
                draft.unlink()


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk: without it a new name may be gone after a power cut.

    :param folder: The folder.
    :raises OSError: The disk failed. A file system that cannot sync folders is no error.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
