"""One ring and not forty: who rings first keeps the others quiet for a while.

Callbacks run in workers, in the DAG processor and in the triggerer, and these may be on several machines. So
a cool-down is kept where all of them look: in Redis or below an object-storage path. If the configuration
names neither, it is kept in the machine's folder for temporary files.
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
"""Next to the ledgers, whose folders have the names of DAGs. No DAG can have this name."""


class Cooldown(Protocol):
    """Where cool-downs are kept."""

    def take(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Begin a cool-down: return what gives it back, or None where one is under way.

        :param key: What it is about: letters and digits.
        :param seconds: How long it takes.
        """


def new_cooldown() -> Cooldown:
    """Return where the configuration wants cool-downs to be kept."""
    if url := conf.get("inforu", "rate_limit_redis_url", fallback=""):
        return RedisCooldown(url)
    if root := conf.get("inforu", "ledger_path", fallback=""):
        return FolderCooldown(f"{root.rstrip('/')}/{FOLDER}")
    return FolderCooldown(_own_temporary_folder())


class RedisCooldown:
    """Keeps cool-downs in Redis: exact on any machine.

    :param url: Address of the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def take(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Begin a cool-down: return what gives it back, or None where one is under way."""
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
    """Keeps cool-downs as empty files in a folder, that of a disk or of an object store.

    A folder for each key, in which the files are numbered: only one of several that see the same last number
    can make the next one.

    :param root: The folder: a path, or any URL that fsspec knows.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def take(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Begin a cool-down: return what gives it back, or None where one is under way."""
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
    # File systems of object stores remember listings, and a remembered one shows no new file.
    storage.invalidate_cache(folder)
    try:
        paths = storage.ls(folder, detail=False)
    except FileNotFoundError:
        return []
    names = (path.rstrip("/").rsplit("/", 1)[-1] for path in paths)
    return sorted(name for name in names if name.isdecimal())


def _age(storage: Any, path: str) -> float:  # noqa: ANN401 - a file system of fsspec
    # By the clock of the storage, which may be ahead of ours.
    try:
        return abs(time.time() - float(storage.modified(path).timestamp()))
    except FileNotFoundError:  # Given back, or followed by another, at this moment.
        return 0.0


def _create(storage: Any, folder: Any, name: str) -> None:  # noqa: ANN401 - a file system and a path of fsspec
    """Make a file that must not be there: where the storage can, only one of several at a time does."""
    if local := local_path(folder):
        local.mkdir(parents=True, exist_ok=True)
        (local / name).touch(exist_ok=False)
    else:
        storage.pipe_file(f"{folder.path}/{name}", b"", mode="create")


def _own_temporary_folder() -> str:
    """Return a folder of this user's, in which nobody else can begin a cool-down."""
    folder = Path(tempfile.gettempdir(), f"inforu-cooldowns-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return str(folder)
