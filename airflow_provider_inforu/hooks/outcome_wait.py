"""Waiting for the calls of a send in a worker, and where worker and trigger look."""

from __future__ import annotations

import datetime as dt
import logging
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError, InforuRateLimitError
from airflow_provider_inforu.hooks.shared_limit import shared_limit
from airflow_provider_inforu.outcomes.awaited import (
    check_on_timeout,
    check_seconds,
    check_source,
    read_send,
    read_threshold,
)
from airflow_provider_inforu.outcomes.decision import (
    ClockReading,
    CompletionTracker,
    Deadline,
    Decision,
    Verdict,
    WaitError,
    WaitTimeoutError,
)
from airflow_provider_inforu.outcomes.outcome_errors import SecretRefusedError
from airflow_provider_inforu.outcomes.sources import NotificationSource, StatusSource
from airflow_provider_inforu.sending.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from airflow_provider_inforu.capi.jobs import JobStatus
    from airflow_provider_inforu.hooks.settings import InforuSettings
    from airflow_provider_inforu.outcomes.awaited import OnTimeout
    from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient
    from airflow_provider_inforu.outcomes.sources import Job, Source, SourceName
    from airflow_provider_inforu.outcomes.summary import SendSummary

log = logging.getLogger(__name__)

RATE_PAUSE_SECONDS = 0.02
"""How long to wait when the rate limit lets no request leave."""
_SHORTEST_POLL_SECONDS = 0.05


class AskedHook(Protocol):
    """The part of a hook that is asked how the calls ended."""

    inforu_conn_id: str

    def __init__(self, inforu_conn_id: str) -> None: ...

    @property
    def settings(self) -> InforuSettings:
        """The fields of the connection."""

    @property
    def receiver(self) -> ReceiverClient:
        """The client that reads from the receiver."""

    def get_send_summary(self, send_id: str) -> SendSummary:
        """Ask the receiver how many calls of a send have ended, and how."""

    def get_job_status(self, request_token: str) -> JobStatus:
        """Ask the vendor's status function about an accepted request."""


def new_rate_limiter(settings: InforuSettings) -> RateLimiter:
    """Return what keeps the connection's rate; it may ask a Redis server.

    :param settings: The connection.
    """
    return RateLimiter(settings.requests_per_second, shared_limit(settings))


def new_source(
    source: SourceName,
    send_id: str,
    jobs: Sequence[Job] | None,
    get_hook: Callable[[], AskedHook],
    get_rate_limiter: Callable[[], RateLimiter],
) -> Source:
    """Return where to look.

    :param source: Its name.
    :param send_id: The send.
    :param jobs: The accepted requests, for the status function.
    :param get_hook: Returns the hook to ask through, which may be another one later.
    :param get_throttle: Returns what keeps the vendor's rate, likewise.
    """
    if source == "notifications":
        return NotificationSource(
            lambda: get_hook().get_send_summary(send_id), lambda: explain_pushes(get_hook())
        )

    def get_status(request_token: str) -> JobStatus:
        try:
            return get_hook().get_job_status(request_token)
        except InforuRateLimitError:
            get_rate_limiter().slow_down()
            raise

    return StatusSource(send_id, jobs or (), get_status, lambda: not get_rate_limiter().acquire())


def explain_pushes(hook: AskedHook) -> str:
    """Return what the receiver knows of the pushes of a connection, in sentences.

    :param hook: The connection's hook.
    :raises InforuError: The receiver could not be asked.
    """
    return hook.receiver.get_health().describe(hook.inforu_conn_id, dt.datetime.now(dt.UTC))


def make_source(hook: AskedHook, source: SourceName, send_id: str, jobs: Sequence[Job] | None) -> Source:
    """Return where a worker looks.

    :param hook: The hook to ask through.
    :param source: The source's name.
    :param send_id: The send.
    :param jobs: The accepted requests, for the status function.
    :raises InforuInputError: The connection lacks what this source needs.
    """
    check_connection(hook, source)
    if source == "notifications":
        receiver = _Receiver(hook)
        return NotificationSource(partial(receiver.get_send_summary, send_id), receiver.explain)
    return new_source(source, send_id, jobs, lambda: hook, cache(lambda: new_rate_limiter(hook.settings)))


class _Receiver:
    """Asks the receiver through a hook, and through a new one when the secret was refused.

    :param hook: The hook to begin with.
    """

    def __init__(self, hook: AskedHook) -> None:
        self._hook = hook

    def get_send_summary(self, send_id: str) -> SendSummary:
        """Ask what became of the calls of a send."""
        try:
            return self._hook.get_send_summary(send_id)
        except SecretRefusedError:
            self._read_connection_anew()
            raise

    def explain(self) -> str:
        """Return what the receiver knows of the pushes."""
        return explain_pushes(self._hook)

    def _read_connection_anew(self) -> None:
        conn_id = self._hook.inforu_conn_id
        hook = type(self._hook)(conn_id)
        try:
            _ = hook.receiver
        except Exception as error:
            # The old one goes on being refused, and then this is tried again. Words may hold a secret.
            log.warning("the connection %r could not be read anew (%s)", conn_id, type(error).__name__)
        else:
            self._hook = hook


def check_connection(hook: AskedHook, source: SourceName) -> None:
    """Refuse a connection that lacks what a source needs.

    :param hook: The connection's hook.
    :param source: The source's name.
    :raises InforuInputError: Names the connection and the field.
    """
    if source == "notifications":
        _ = hook.receiver
    elif hook.settings.status_function is None:
        raise InforuInputError(
            f"source='status_function' needs the field status_function, which the connection "
            f"{hook.inforu_conn_id!r} does not have"
        )


def poll_once(source: Source, wait: CompletionTracker) -> Decision:
    """Look, and return what it means.

    :param source: Where to look.
    :param wait: The wait.
    """
    try:
        while (found := source.look()) is None:
            time.sleep(RATE_PAUSE_SECONDS)
    except InforuError as error:
        decision = wait.after_error(error, ClockReading.now())
        if not decision.is_final:
            log.warning("%s. Looking again later", decision.message)
        return decision
    now = ClockReading.now()
    decision = wait.after_look(found, now)
    if decision.verdict is Verdict.TIMEOUT:
        return decision.explained(source.explain())
    if not decision.is_final and wait.progress.is_news(found.summary.calls, now.monotonic):
        log.info("%s", decision.message)
    return decision


def wait_until_final(source: Source, wait: CompletionTracker, poll_interval: float) -> Decision:
    """Look until waiting is over, sleeping in between.

    :param source: Where to look.
    :param wait: The wait.
    :param poll_interval: Seconds between looks.
    """
    decision = wait.before_first_look()
    while not decision.is_final:
        decision = poll_once(source, wait)
        if not decision.is_final:
            time.sleep(min(poll_interval, wait.deadline.seconds_left(ClockReading.now())))
    return decision


def wait_for_calls(
    hook: AskedHook,
    send: Mapping[str, Any] | str,
    *,
    expected: int | None,
    source: SourceName,
    complete_when: float,
    timeout: float,
    poll_interval: float,
    on_timeout: OnTimeout,
) -> SendSummary:
    """Wait until the calls of a send have ended, see ``InforuHook.wait``."""
    awaited = read_send(send, expected)
    goal = read_threshold(awaited.expected, complete_when)
    check_source(awaited, source)
    check_on_timeout(on_timeout)
    check_seconds("timeout", timeout)
    check_seconds("poll_interval", poll_interval)
    if awaited.done is not None:
        return awaited.done
    looks_at = make_source(hook, source, awaited.send_id, awaited.jobs)
    now = ClockReading.now()
    wait = CompletionTracker(awaited.send_id, goal, Deadline(now.wall + timeout, now))
    decision = wait_until_final(looks_at, wait, max(poll_interval, _SHORTEST_POLL_SECONDS))
    if decision.verdict is Verdict.ERROR:
        raise WaitError(decision.message)
    if decision.verdict is Verdict.TIMEOUT and on_timeout == "fail":
        raise WaitTimeoutError(decision.message)
    return decision.summary
