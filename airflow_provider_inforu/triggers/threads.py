"""Threads of our own for what waits, where an event loop must not."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A few threads, for one kind of work: what is slow there holds up no other kind.

    :param count: How many, once all are needed.
    :param name: What their names begin with.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that waits, without blocking the event loop.

        :param function: The function.
        :param args: Its arguments.
        :param kwargs: Its arguments by name.
        """
        return await asyncio.wrap_future(self.submit(function, *args, **kwargs))

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin to run a function, and return what will hold its result.

        :param function: The function.
        :param args: Its arguments.
        :param kwargs: Its arguments by name.
        """
        context = contextvars.copy_context()
        return self._pool.submit(partial(context.run, function, *args, **kwargs))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._count, thread_name_prefix=self._name)
