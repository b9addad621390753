"""Places in a rate that several workers keep together, through Redis."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

REDIS_SECONDS = 5.0
# The server looks at its own clock, counts and takes in one step. With two steps, a worker that is held up
# between them would count as of a moment that is over, and miss whoever took a place meanwhile.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local longest = 0
for i = 2, #ARGV, 2 do
    local most, milliseconds = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if redis.call('ZCOUNT', KEYS[1], now - milliseconds, '+inf') >= most then
        return 0
    end
    longest = math.max(longest, milliseconds)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 2 * longest)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * longest)
return 1
"""


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """A limit that several workers keep together, through Redis.

    :ivar url: Address of the Redis server, of version 5 or later.
    :ivar name: What names the account there.
    """

    url: str = field(repr=False)
    name: str


def places_in(shared: SharedLimit, rates: Sequence[tuple[int, int]]) -> Callable[[], bool]:
    """Return what takes a place, or returns False where none is free.

    :param shared: Where the places are kept.
    :param rates: The most places in so many milliseconds, for each window that is to hold.
    :raises InforuError: The package or the server is missing; so does what is returned, later.
    """
    try:
        import redis
    except ImportError:
        raise InforuInputError(
            "the shared rate limit needs the package redis: pip install 'airflow-provider-inforu[redis]'"
        ) from None

    def ask(what: Callable[[], T]) -> T:
        try:
            return what()
        except (redis.RedisError, ValueError) as error:
            # The words of the error may repeat the address, and with it a password.
            raise InforuError(
                f"the shared rate limit cannot be asked ({type(error).__name__}), so nothing more is sent"
            ) from None

    # Without a limit of time, a server that is silent would hold the send for ever.
    patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    server = ask(lambda: redis.Redis.from_url(shared.url, **patience))
    ask(server.ping)
    take = server.register_script(_TAKE)
    numbers = [number for rate in rates for number in rate]
    key = f"inforu:rate:{shared.name}"
    return lambda: bool(ask(lambda: take([key], [secrets.token_hex(8), *numbers])))
