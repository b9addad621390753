"""Wait for the calls of a send in a worker, and create the sources that workers and triggers poll."""

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
    check_source_name,
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
"""Seconds to wait when the rate limiter allows no request."""
_SHORTEST_POLL_SECONDS = 0.05


class AskedHook(Protocol):
    """The part of a hook that a wait needs."""

    inforu_conn_id: str

    def __init__(self, inforu_conn_id: str) -> None: ...

    @property
    def settings(self) -> InforuSettings:
        """The fields of the connection."""

    @property
    def receiver(self) -> ReceiverClient:
        """The client that reads from the receiver."""

    def get_send_summary(self, send_id: str) -> SendSummary:
        """Return the counts of a send's ended calls from the receiver."""

    def get_job_status(self, request_token: str) -> JobStatus:
        """Return the status of an accepted request from Inforu's status function."""


def new_rate_limiter(settings: InforuSettings) -> RateLimiter:
    """Return the rate limiter of a connection. Its creation may ask a Redis server.

    :param settings: The settings of the connection.
    """
    return RateLimiter(settings.requests_per_second, shared_limit(settings))


def new_source(
    source: SourceName,
    send_id: str,
    jobs: Sequence[Job] | None,
    get_hook: Callable[[], AskedHook],
    get_rate_limiter: Callable[[], RateLimiter],
) -> Source:
    """Return the source to poll.

    :param source: The name of the source: ``notifications`` or ``status_function``.
    :param send_id: The ID of the send.
    :param jobs: The accepted requests, for the status function.
    :param get_hook: Returns the current hook. The hook may change between two polls.
    :param get_rate_limiter: Returns the current rate limiter. It may change between two polls.
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
    """Return sentences about the notifications of a connection, from the receiver.

    :param hook: The hook of the connection.
    :raises InforuError: The request to the receiver failed.
    """
    return hook.receiver.get_health().describe(hook.inforu_conn_id, dt.datetime.now(dt.UTC))


def make_source(hook: AskedHook, source: SourceName, send_id: str, jobs: Sequence[Job] | None) -> Source:
    """Return the source that a worker polls.

    :param hook: The hook of the connection.
    :param source: The name of the source: ``notifications`` or ``status_function``.
    :param send_id: The ID of the send.
    :param jobs: The accepted requests, for the status function.
    :raises InforuInputError: A field of the connection that this source needs is missing.
    """
    check_connection(hook, source)
    if source == "notifications":
        receiver = _Receiver(hook)
        return NotificationSource(partial(receiver.get_send_summary, send_id), receiver.explain)
    return new_source(source, send_id, jobs, lambda: hook, cache(lambda: new_rate_limiter(hook.settings)))


class _Receiver:
    """Asks the receiver through a hook. If the receiver refuses the secret, it reads the connection again.

    :param hook: The first hook.
    """

    def __init__(self, hook: AskedHook) -> None:
        self._hook = hook

    def get_send_summary(self, send_id: str) -> SendSummary:
        """Return the counts of a send's ended calls."""
        try:
            return self._hook.get_send_summary(send_id)
        except SecretRefusedError:
            self._read_connection_again()
            raise

    def explain(self) -> str:
        """Return sentences about the notifications of the connection."""
        return explain_pushes(self._hook)

    def _read_connection_again(self) -> None:
        conn_id = self._hook.inforu_conn_id
        hook = type(self._hook)(conn_id)
        try:
            _ = hook.receiver
        except Exception as error:
            # Only the type of the error, because its text may contain a secret.
            log.warning(
                "The connection %r could not be read again (%s). The next poll tries it again",
                conn_id,
                type(error).__name__,
            )
        else:
            self._hook = hook


def check_connection(hook: AskedHook, source: SourceName) -> None:
    """Check that the connection has the fields that a source needs.

    :param hook: The hook of the connection.
    :param source: The name of the source: ``notifications`` or ``status_function``.
    :raises InforuInputError: A field is missing.
    """
    if source == "notifications":
        _ = hook.receiver
    elif hook.settings.status_function is None:
        raise InforuInputError(
            f"the connection {hook.inforu_conn_id!r} has no `status_function`, which "
            "source='status_function' needs. Set this field, or use source='notifications'"
        )


def poll_once(source: Source, wait: CompletionTracker) -> Decision:
    """Poll the source once, and return whether the wait is over.

    :param source: The source to poll.
    :param wait: The tracker of the wait.
    """
    try:
        while (found := source.look()) is None:
            time.sleep(RATE_PAUSE_SECONDS)
    except InforuError as error:
        decision = wait.after_error(error, ClockReading.now())
        if not decision.is_final:
            log.warning("%s. The next poll tries again", decision.message)
        return decision
    now = ClockReading.now()
    decision = wait.after_look(found, now)
    if decision.verdict is Verdict.TIMEOUT:
        return decision.explained(source.explain())
    if not decision.is_final and wait.progress.is_news(found.summary.calls, now.monotonic):
        log.info("%s", decision.message)
    return decision


def wait_until_final(source: Source, wait: CompletionTracker, poll_interval: float) -> Decision:
    """Poll the source until the wait is over, and return the final decision.

    :param source: The source to poll.
    :param wait: The tracker of the wait.
    :param poll_interval: Seconds between two polls.
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
    """Wait until the calls of a send have ended, and return the counts. See `InforuHook.wait`."""
    awaited = read_send(send, expected)
    threshold = read_threshold(awaited.expected, complete_when)
    check_source_name(source)
    check_source(awaited, source)
    check_on_timeout(on_timeout)
    check_seconds("timeout", timeout)
    check_seconds("poll_interval", poll_interval)
    if awaited.done is not None:
        return awaited.done
    polled = make_source(hook, source, awaited.send_id, awaited.jobs)
    now = ClockReading.now()
    wait = CompletionTracker(awaited.send_id, threshold, Deadline(now.wall + timeout, now))
    decision = wait_until_final(polled, wait, max(poll_interval, _SHORTEST_POLL_SECONDS))
    if decision.verdict is Verdict.ERROR:
        raise WaitError(decision.message)
    if decision.verdict is Verdict.TIMEOUT and on_timeout == "fail":
        raise WaitTimeoutError(decision.message)
    return decision.summary
