"""Python's garbage collector while a push is read."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pausing_collector() -> Iterator[None]:
    """Let Python's garbage collector pause.

    The values of a push have no cycles and live for a moment. But many new lists and objects let the
    collector look through all objects of the process. In Airflow's API server that takes up to half a
    second, in which no other request is answered. The size of a push bounds what can pile up.
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
    """Exempt the objects of the process so far from later collections, once.

    By its first push a server has imported its modules, which stay to its end. Airflow's executors and its
    DAG processor do the same. Else a collection after a large push holds up the other requests.
    """
    gc.freeze()
