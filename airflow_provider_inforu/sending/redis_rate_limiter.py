"""Limits the rate of several workers together, through Redis."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuError, InforuInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

NO_MORE_REQUESTS = "No more requests are sent"
REDIS_SECONDS = 5.0
"""Timeout of a connection and of a command."""
LATE_SECONDS = 0.1
"""If a request leaves this long after its slot was acquired, its slot is counted from now on. Otherwise it
would reach the vendor together with the requests of later slots."""
# One script reads the clock, counts the slots and adds a slot, in one step. In two steps, a delayed worker
# would miss the slots that other workers acquired between its steps.
_ACQUIRE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local longest, wait = 0, 0
for i = 2, #ARGV, 2 do
    local most, milliseconds = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local excess = redis.call('ZCOUNT', KEYS[1], now - milliseconds, '+inf') - most
    if excess >= 0 then
        local slot = redis.call(
            'ZRANGEBYSCORE', KEYS[1], now - milliseconds, '+inf', 'WITHSCORES', 'LIMIT', excess, 1
        )
        wait = math.max(wait, tonumber(slot[2]) + milliseconds - now + 1)
    end
    longest = math.max(longest, milliseconds)
end
if wait > 0 then
    return wait
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 2 * longest)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * longest)
return 0
"""
_COUNT_FROM_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
    redis.call('ZADD', KEYS[1], now, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """A rate limit that several workers share through Redis.

    :ivar url: URL of the Redis server, version 5 or later. It may contain a password, so the repr hides it.
    :ivar name: Name of the account in the keys of Redis.
    """

    url: str = field(repr=False)
    name: str


class RedisRateLimiter:
    """Gives slots of a rate limit that several workers share.

    A late request moves its slot to the time at which it leaves.

    :param shared: The Redis server, and the name of the account.
    :param rates: Pairs of a number of slots and a window in milliseconds. All of these limits apply.
    :raises InforuInputError: The package redis is not installed.
    :raises InforuError: Redis failed. The methods raise it too.
    """

    def __init__(self, shared: SharedLimit, rates: Sequence[tuple[int, int]]) -> None:
        try:
            import redis
        except ImportError:
            raise InforuInputError(
                "The shared rate limit needs the package redis, which is not installed. "
                f"{NO_NEW_CALLS}. Run pip install 'airflow-provider-inforu[redis]'"
            ) from None
        self._errors = (redis.RedisError, ValueError)
        # Without a timeout, a server that does not respond would block the send for ever.
        timeouts = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        server = self._ask(lambda: redis.Redis.from_url(shared.url, **timeouts))
        self._ask(server.ping)
        self._acquire = server.register_script(_ACQUIRE)
        self._count_from_now = server.register_script(_COUNT_FROM_NOW)
        self._key = f"inforu:rate:{shared.name}"
        self._rates = [number for rate in rates for number in rate]
        self._kept_milliseconds = 2 * max(milliseconds for _, milliseconds in rates)
        self._held: list[str] = []
        self._held_since = 0.0

    def acquire(self) -> float:
        """Acquire a slot and return 0.0, or return the seconds until a slot is free."""
        name = secrets.token_hex(8)
        if wait := self._ask(lambda: self._acquire([self._key], [name, *self._rates])):
            return float(wait) / 1000
        if not self._held:
            self._held_since = time.monotonic()
        self._held.append(name)
        return 0.0

    def mark_sent(self) -> None:
        """Mark every slot acquired since the last call as sent now."""
        names, self._held = self._held, []
        if names and time.monotonic() - self._held_since > LATE_SECONDS:
            self._ask(lambda: self._count_from_now([self._key], [self._kept_milliseconds, *names]))

    def _ask(self, command: Callable[[], T]) -> T:
        try:
            return command()
        except self._errors as error:
            # The error's message may contain the URL with a password.
            raise InforuError(
                f"The shared rate limit in Redis is not available ({type(error).__name__}). "
                f"{NO_MORE_REQUESTS}. Check [inforu] rate_limit_redis_url and the Redis server"
            ) from None
