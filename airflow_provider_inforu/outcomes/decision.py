"""The decision whether a wait for calls is over. Worker and trigger share it.

Nothing here waits, uses the network or reads a clock. The caller passes the result and the time of each poll.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple, Self

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.outcomes.json_fields import read_count, read_seconds_or_none
from airflow_provider_inforu.outcomes.outcome_errors import SecretRefusedError, is_transient
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.outcomes.wait_progress import Progress

FAILURES_IN_A_ROW = 5
FAILURE_SECONDS = 300.0
"""A wait gives up after this many transient failures in a row, over at least this many seconds."""
SECRET_SECONDS = 150.0
"""How long a refused secret counts as transient. Both sides read a changed secret within 90 seconds."""
UNKNOWN_JOB_SECONDS = 300.0
"""How long a RequestToken may be unknown to the status function, because it may appear there late."""


class WaitError(InforuError):
    """The wait cannot succeed. The message gives the reason and what to do."""


class WaitTimeoutError(InforuError):
    """The timeout has passed, and too few calls have ended."""


class ClockReading(NamedTuple):
    """The time on two clocks: the wall clock, which may jump, and the monotonic clock."""

    wall: float
    monotonic: float

    @classmethod
    def now(cls) -> Self:
        """Return the current time on both clocks."""
        return cls(time.time(), time.monotonic())


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline that is over when either clock reaches it.

    The wall clock keeps its meaning when the process restarts. The monotonic clock ends a wait even if the
    wall clock was set back.

    :ivar at: The time of the deadline, in seconds since 1970.
    :ivar seen: When this process first saw the deadline.
    """

    at: float
    seen: ClockReading

    def seconds_left(self, now: ClockReading) -> float:
        """Return the remaining seconds; 0 after the deadline."""
        allotted = self.at - self.seen.wall
        return max(0.0, min(self.at - now.wall, allotted - (now.monotonic - self.seen.monotonic)))

    def is_over(self, now: ClockReading) -> bool:
        """Return whether the deadline has passed."""
        return self.seconds_left(now) <= 0


@dataclass(frozen=True, slots=True)
class CompletionThreshold:
    """The number of ended calls that completes a wait.

    :ivar expected: The number of accepted calls.
    :ivar complete_when: The share of them that completes the wait, above 0 and at most 1 (default).
    """

    expected: int
    complete_when: float = 1.0

    @property
    def needed(self) -> int:
        """The number of calls. It is exact: a share of 0.07 of 100 calls is 7."""
        return math.ceil(self.expected * Fraction(str(self.complete_when)))


@dataclass(frozen=True, slots=True)
class PollResult:
    """The result of one poll.

    :ivar summary: The calls that have ended.
    :ivar unknown_jobs: The number of RequestTokens that the status function does not know; default: 0.
    """

    summary: SendSummary
    unknown_jobs: int = 0


class Verdict(StrEnum):
    """The state of the wait after a poll. The value is the status of the trigger's event."""

    WAIT = "wait"
    COMPLETE = "success"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision after a poll, with a message and the known outcomes.

    :ivar verdict: Whether to continue.
    :ivar message: The counts, or the problem and what to do. It names no recipient.
    :ivar summary: The summary of the last successful poll.
    :ivar expected: The number of accepted calls.
    :ivar explanation: Why calls may be missing, according to the receiver; empty if unknown.
    :ivar deadline: The end of this wait, in seconds since 1970; None if unknown.
    """

    verdict: Verdict
    message: str
    summary: SendSummary
    expected: int = 0
    explanation: str = ""
    deadline: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether the wait is over."""
        return self.verdict is not Verdict.WAIT

    @classmethod
    def from_event(cls, event: object) -> Self:
        """Return the decision in the payload of a trigger's event.

        :param event: The payload.
        :raises ValueError: The payload is missing or invalid.
        """
        if not isinstance(event, Mapping):
            raise ValueError("it is missing")  # noqa: TRY004 - one type for every unreadable payload
        return cls(
            verdict=Verdict(str(event.get("status"))),
            message=str(event.get("message")),
            summary=SendSummary.from_json(event.get("summary")),
            expected=read_count(event.get("expected", 0), "expected"),
            explanation=str(event.get("explanation", "")),
            deadline=read_seconds_or_none(event, "deadline"),
        )

    def explained(self, explanation: str) -> Self:
        """Return the same decision with an explanation of missing calls in its message.

        :param explanation: Sentences; may be empty.
        """
        message = f"{self.message}. {explanation}".rstrip(". ")
        return replace(self, message=message, explanation=explanation)

    @property
    def is_complete(self) -> bool:
        """Whether enough calls have ended."""
        return self.verdict is Verdict.COMPLETE

    def to_calls(self) -> dict[str, Any]:
        """Return the summary and ``complete`` as plain JSON, which a waiting task passes to the next task."""
        return {**self.summary.to_json(), "complete": self.is_complete}

    def to_event(self) -> dict[str, Any]:
        """Return the payload of a trigger's event, as plain JSON."""
        return {
            "status": str(self.verdict),
            "message": self.message,
            "summary": self.summary.to_json(),
            "expected": self.expected,
            "explanation": self.explanation,
            "deadline": self.deadline,
        }


class CompletionTracker:
    """Tracks one wait for the calls of a send.

    :param send_id: The ID of the send.
    :param goal: The number of calls that must end.
    :param deadline: The deadline of the wait.
    :param started: The start of the wait in seconds since 1970, which a reschedule does not change. None
        (default) uses the time when this process first saw the deadline.
    """

    def __init__(
        self, send_id: str, goal: CompletionThreshold, deadline: Deadline, started: float | None = None
    ) -> None:
        self.deadline = deadline
        self.progress = Progress()
        self._goal = goal
        self._summary = SendSummary(send_id)
        self._failures = 0
        self._failing_since: float | None = None
        self._refused_since: float | None = None
        start = deadline.seen.wall if started is None else started
        self._patience = Deadline(start + UNKNOWN_JOB_SECONDS, deadline.seen)

    @property
    def failures(self) -> int:
        """The number of failed polls in a row."""
        return self._failures

    @property
    def is_refused(self) -> bool:
        """Whether the last poll failed because the receiver refused the secret."""
        return self._refused_since is not None

    def before_first_look(self) -> Decision:
        """Return the decision before the first poll: a send without accepted calls is complete at once."""
        return self._decide(Verdict.WAIT if self._goal.needed else Verdict.COMPLETE)

    def after_look(self, look: PollResult, now: ClockReading) -> Decision:
        """Return the decision after a successful poll.

        :param look: The result of the poll.
        :param now: The time of the poll.
        """
        self._failures, self._failing_since, self._refused_since = 0, None, None
        self._summary = look.summary
        if look.summary.calls >= self._goal.needed:
            return self._decide(Verdict.COMPLETE)
        if look.unknown_jobs and self._patience.is_over(now):
            return self._decide(
                Verdict.ERROR,
                f"the status function does not know {look.unknown_jobs} of the send's RequestTokens (-2014) "
                f"after {UNKNOWN_JOB_SECONDS:.0f} seconds. Check the campaigns in the Inforu portal, and the "
                "field status_function of the connection",
            )
        if self.deadline.is_over(now):
            return self._decide(
                Verdict.TIMEOUT,
                "the timeout has passed. Set a longer timeout, accept fewer calls (complete_when or "
                "on_timeout='succeed'), or check that Inforu's notifications arrive",
            )
        return self._decide(Verdict.WAIT)

    def after_error(self, error: InforuError, now: ClockReading) -> Decision:
        """Return the decision after a failed poll.

        :param error: The error of the poll.
        :param now: The time of the failure.
        """
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = now.monotonic
        if not self._is_transient(error, now):
            return self._decide(Verdict.ERROR, str(error))
        failing_seconds = now.monotonic - self._failing_since
        if self.deadline.is_over(now):
            # The last summary may be outdated. An error is better than a false "nobody picked up".
            return self._decide(
                Verdict.ERROR,
                f"the timeout has passed, and the outcomes of the calls could not be read: {error}",
            )
        if self._failures >= FAILURES_IN_A_ROW and failing_seconds >= FAILURE_SECONDS:
            return self._decide(
                Verdict.ERROR,
                f"the outcomes of the calls could not be read {self._failures} times in a row, for "
                f"{failing_seconds:.0f} seconds: {error}. A retry waits again and calls nobody",
            )
        return self._decide(Verdict.WAIT, str(error))

    def _is_transient(self, error: InforuError, now: ClockReading) -> bool:
        if not isinstance(error, SecretRefusedError):
            self._refused_since = None
            return is_transient(error)
        if self._refused_since is None:
            self._refused_since = now.monotonic
        return now.monotonic - self._refused_since < SECRET_SECONDS

    def _decide(self, verdict: Verdict, reason: str = "") -> Decision:
        counts = (
            f"send {self._summary.send_id}: {self._summary.calls} of {self._goal.expected} calls have ended"
        )
        if self._goal.needed != self._goal.expected:
            counts += f", and {self._goal.needed} are needed"
        message = f"{counts}; {reason}" if reason else counts
        return Decision(verdict, message, self._summary, self._goal.expected, deadline=self.deadline.at)
