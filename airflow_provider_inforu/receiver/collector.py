"""Pauses Python's garbage collector while a push is read."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pausing_collector() -> Iterator[None]:
    """Pause Python's garbage collector within the block.

    The values of a push have no cycles and live briefly. But many new objects make the collector check all
    objects of the process. In Airflow's API server, this blocks all requests for up to half a second. The
    limit on the size of a push bounds the memory in use.
    """
    _exempt_what_is_loaded()
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@cache
def _exempt_what_is_loaded() -> None:
    """Exempt the existing objects of the process from later collections, once.

    At its first push, a server has imported its modules, which it keeps until its end. Airflow's executors
    and DAG processor do the same. Otherwise, a collection after a large push delays other requests.
    """
    gc.freeze()
