"""Cool-downs: the first alert about a subject suppresses further ones for some time.

Callbacks run in workers, in the DAG processor and in the triggerer, possibly on several machines. So a
cool-down is stored in a shared place: in Redis or below an object-storage path. If neither is configured, it
is stored in this machine's folder for temporary files.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_inforu._compat import conf
from airflow_provider_inforu.ledger.local_files import local_path

if TYPE_CHECKING:
    from collections.abc import Callable

REDIS_SECONDS = 5.0
FOLDER = "~cooldowns"
"""The folder next to the ledgers. No DAG can have this name, so no folder of ledgers can have it."""


class Cooldown(Protocol):
    """A store of cool-downs."""

    def take(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Begin a cool-down: return a function that releases it, or None if another one has not ended.

        :param key: The digest of the people and the subject: letters and digits.
        :param seconds: The length of the cool-down in seconds.
        """


def new_cooldown() -> Cooldown:
    """Return the configured store of cool-downs."""
    if url := conf.get("inforu", "rate_limit_redis_url", fallback=""):
        return RedisCooldown(url)
    if root := conf.get("inforu", "ledger_path", fallback=""):
        return FolderCooldown(f"{root.rstrip('/')}/{FOLDER}")
    return FolderCooldown(_own_temporary_folder())


class RedisCooldown:
    """A store of cool-downs in Redis. It is exact across machines.

    :param url: The address of the Redis server.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def take(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Begin a cool-down: return a function that releases it, or None if another one has not ended."""
        import redis

        patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        server = redis.Redis.from_url(self._url, **patience)
        name, ours = f"inforu:cooldown:{key}", secrets.token_hex(8)
        if not server.set(name, ours, nx=True, px=max(1, round(seconds * 1000))):
            return None

        def release() -> None:
            if server.get(name) == ours.encode():
                server.delete(name)

        return release


class FolderCooldown:
    """A store of cool-downs as empty files in a folder, on a disk or in an object store.

    Each key has a folder with numbered files. If several processes see the same last number, only one of them
    can create the file with the next number.

    :param root: The folder: a path or a URL that fsspec supports.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def take(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Begin a cool-down: return a function that releases it, or None if another one has not ended."""
        from airflow.sdk import ObjectStoragePath

        folder: Any = ObjectStoragePath(self._root) / key
        storage = getattr(folder, "__wrapped__", folder).fs
        numbers = _numbers(storage, folder.path)
        if numbers and _age(storage, f"{folder.path}/{numbers[-1]}") < seconds:
            return None
        mine = f"{int(numbers[-1]) + 1 if numbers else 1:08d}"
        try:
            _create(storage, folder, mine)
        except FileExistsError:
            return None
        for older in numbers:
            with contextlib.suppress(OSError):
                storage.rm_file(f"{folder.path}/{older}")
        return lambda: storage.rm_file(f"{folder.path}/{mine}")


def _numbers(storage: Any, folder: str) -> list[str]:  # noqa: ANN401 - a file system of fsspec
    # File systems of object stores cache listings, and a cached listing lacks new files.
    storage.invalidate_cache(folder)
    try:
        paths = storage.ls(folder, detail=False)
    except FileNotFoundError:
        return []
    names = (path.rstrip("/").rsplit("/", 1)[-1] for path in paths)
    return sorted(name for name in names if name.isdecimal())


def _age(storage: Any, path: str) -> float:  # noqa: ANN401 - a file system of fsspec
    # The clock of the storage may be ahead of this machine's clock. So the age is the absolute difference.
    try:
        return abs(time.time() - float(storage.modified(path).timestamp()))
    except FileNotFoundError:  # another process has just released or replaced it
        return 0.0


def _create(storage: Any, folder: Any, name: str) -> None:  # noqa: ANN401 - a file system and a path of fsspec
    """Create a file, or fail if it exists. If the storage supports it, only one process can create it."""
    if local := local_path(folder):
        local.mkdir(parents=True, exist_ok=True)
        (local / name).touch(exist_ok=False)
    else:
        storage.pipe_file(f"{folder.path}/{name}", b"", mode="create")


def _own_temporary_folder() -> str:
    """Return a folder of this user, in which no other user can begin a cool-down."""
    folder = Path(tempfile.gettempdir(), f"inforu-cooldowns-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user. Remove it, or set [inforu] ledger_path")
    return str(folder)
