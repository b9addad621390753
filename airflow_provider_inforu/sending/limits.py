"""The limits of a send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_inforu.sending.retry_policy import Backoff

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.redis_rate_limiter import SharedLimit
    from airflow_provider_inforu.sending.window import SendingWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a send: its rate, its requests in flight and its sending window.

    :ivar requests_per_second: The most requests in any second. 0 is no limit. Default: 30.
    :ivar max_in_flight: The most requests in flight, at any latency of the vendor. Default: 128.
    :ivar shared: The rate limit that workers share through Redis. None (default): a limit of this process.
    :ivar window: The sending window. None (default): always open.
    :ivar backoff: How long to wait before a temporarily refused batch is sent again.
    """

    requests_per_second: float = 30
    max_in_flight: int = 128
    shared: SharedLimit | None = None
    window: SendingWindow | None = None
    backoff: Backoff = field(default_factory=Backoff)
