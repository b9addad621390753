"""Python's garbage collector while a push is read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pausing_collector() -> Iterator[None]:
    """Let Python's garbage collector pause.

    The values of a push have no cycles and live for a moment. But many new lists and objects let the
    collector look through all objects of the process. In Airflow's API server that takes up to half a
    second, in which no other request is answered. The size of a push bounds what can pile up.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
