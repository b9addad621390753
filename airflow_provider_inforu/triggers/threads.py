"""Run blocking functions in threads of this package, so that they do not block an event loop."""

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
    """A thread pool for one kind of work. Slow work of one kind does not delay another kind.

    :param count: The most threads.
    :param name: The prefix of their names.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in a thread, and return its result. The event loop is not blocked.

        :param function: The function.
        :param args: Its positional arguments.
        :param kwargs: Its named arguments.
        """
        return await asyncio.wrap_future(self.submit(function, *args, **kwargs))

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a blocking function in a thread, and return the future of its result.

        :param function: The function.
        :param args: Its positional arguments.
        :param kwargs: Its named arguments.
        """
        context = contextvars.copy_context()
        return self._pool.submit(partial(context.run, function, *args, **kwargs))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._count, thread_name_prefix=self._name)
