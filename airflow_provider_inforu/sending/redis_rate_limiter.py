"""Places in a rate that several workers keep together, through Redis."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

REDIS_SECONDS = 5.0
LATE_SECONDS = 0.1
"""A request that leaves so long after it took its place is counted anew: it comes together with those that
took theirs later."""
# The server looks at its own clock, counts and takes in one step. With two steps, a worker that is held up
# between them would count as of a moment that is over, and miss whoever took a place meanwhile.
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
    """A limit that several workers keep together, through Redis.

    :ivar url: Address of the Redis server, of version 5 or later.
    :ivar name: What names the account there.
    """

    url: str = field(repr=False)
    name: str


class RedisRateLimiter:
    """Takes places, and counts a request from when it leaves if that is much later.

    :param shared: Where the places are kept.
    :param rates: The most places in so many milliseconds, for each window that is to hold.
    :raises InforuError: The package or the server is missing; the methods raise it too.
    """

    def __init__(self, shared: SharedLimit, rates: Sequence[tuple[int, int]]) -> None:
        try:
            import redis
        except ImportError:
            raise InforuInputError(
                "the shared rate limit needs the package redis: pip install 'airflow-provider-inforu[redis]'"
            ) from None
        self._errors = (redis.RedisError, ValueError)
        # Without a limit of time, a server that is silent would hold the send for ever.
        patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        server = self._ask(lambda: redis.Redis.from_url(shared.url, **patience))
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
        """Tell that the requests leave now that have taken places since the last time."""
        names, self._held = self._held, []
        if names and time.monotonic() - self._held_since > LATE_SECONDS:
            self._ask(lambda: self._count_from_now([self._key], [self._kept_milliseconds, *names]))

    def _ask(self, what: Callable[[], T]) -> T:
        try:
            return what()
        except self._errors as error:
            # The words of the error may repeat the address, and with it a password.
            raise InforuError(
                f"the shared rate limit cannot be asked ({type(error).__name__}), so nothing more is sent"
            ) from None
