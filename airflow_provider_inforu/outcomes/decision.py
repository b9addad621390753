"""Whether waiting for the calls of a send is over: one decision, for worker and trigger alike.

Nothing here waits, asks or looks at a clock; each look's result and its moment are given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple, Self

from airflow_provider_inforu.capi.errors import (
    InforuApiError,
    InforuError,
    InforuInputError,
    InforuRateLimitError,
)
from airflow_provider_inforu.outcomes.json_fields import read_count, read_seconds_or_none
from airflow_provider_inforu.outcomes.outcome_errors import SecretRefusedError
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.outcomes.wait_progress import Progress

FAILURES_IN_A_ROW = 5
FAILURE_SECONDS = 300.0
"""Failures that may pass are waited out until there were so many in a row, over so long a time."""
SECRET_SECONDS = 150.0
"""How long a secret may be refused in a row: receiver and triggerer read a changed one within 90 seconds."""
UNKNOWN_JOB_SECONDS = 300.0
"""How long a status function may not know a RequestToken: perhaps it does not know it yet."""


class WaitError(InforuError):
    """Waiting makes no sense any more; the message says why and what to do."""


class WaitTimeoutError(InforuError):
    """The time is over, and too few calls have ended."""


class ClockReading(NamedTuple):
    """A moment on two clocks: one that says what time it is and may jump, and one that never goes back."""

    wall: float
    monotonic: float

    @classmethod
    def now(cls) -> Self:
        """Return this moment."""
        return cls(time.time(), time.monotonic())


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which it is over, on whichever clock comes first.

    What time it is survives a restart of the process; the other clock ends a wait whose clock was set back.

    :ivar at: The moment, in seconds since 1970.
    :ivar seen: When this process first saw it.
    """

    at: float
    seen: ClockReading

    def seconds_left(self, now: ClockReading) -> float:
        """Return the seconds that are left, 0 when it is over."""
        allotted = self.at - self.seen.wall
        return max(0.0, min(self.at - now.wall, allotted - (now.monotonic - self.seen.monotonic)))

    def is_over(self, now: ClockReading) -> bool:
        """Return whether it is over."""
        return self.seconds_left(now) <= 0


@dataclass(frozen=True, slots=True)
class CompletionThreshold:
    """How many calls must have ended.

    :ivar expected: How many calls the vendor accepted.
    :ivar complete_when: The share of them that ends the wait, above 0 and at most 1.
    """

    expected: int
    complete_when: float = 1.0

    @property
    def needed(self) -> int:
        """The number itself. The share counts as it is written: 0.07 of 100 is 7."""
        return math.ceil(self.expected * Fraction(str(self.complete_when)))


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one look found.

    :ivar summary: The calls that have ended.
    :ivar unknown_jobs: How many RequestTokens the status function does not know.
    """

    summary: SendSummary
    unknown_jobs: int = 0


class Verdict(StrEnum):
    """What a look means for the wait; the value is the event's status."""

    WAIT = "wait"
    COMPLETE = "success"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a look means, in words, with what is known of the calls.

    :ivar verdict: Whether to go on.
    :ivar message: What is known, or what went wrong and what to do. Counts only.
    :ivar summary: What the last look that worked found.
    :ivar expected: How many calls were waited for.
    :ivar explanation: Why calls are missing, as far as the receiver knows; empty where it is not asked.
    :ivar deadline: When the time of this wait is over, in seconds since 1970; None where it is not known.
    """

    verdict: Verdict
    message: str
    summary: SendSummary
    expected: int = 0
    explanation: str = ""
    deadline: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether waiting is over."""
        return self.verdict is not Verdict.WAIT

    @classmethod
    def from_event(cls, event: object) -> Self:
        """Read the payload of a trigger's event.

        :param event: The payload.
        :raises ValueError: It is none.
        """
        if not isinstance(event, Mapping):
            raise ValueError("it is missing")  # noqa: TRY004 - one type for all that cannot be read
        return cls(
            verdict=Verdict(str(event.get("status"))),
            message=str(event.get("message")),
            summary=SendSummary.from_json(event.get("summary")),
            expected=read_count(event.get("expected", 0), "expected"),
            explanation=str(event.get("explanation", "")),
            deadline=read_seconds_or_none(event, "deadline"),
        )

    def explained(self, explanation: str) -> Self:
        """Return the same decision with why calls are missing.

        :param explanation: Sentences; empty for nothing.
        """
        message = f"{self.message}. {explanation}".rstrip(". ")
        return replace(self, message=message, explanation=explanation)

    @property
    def is_complete(self) -> bool:
        """Whether as many calls have ended as were waited for."""
        return self.verdict is Verdict.COMPLETE

    def to_calls(self) -> dict[str, Any]:
        """Return the summary and ``complete``, as plain JSON: what waiting returns to the next task."""
        return {**self.summary.to_json(), "complete": self.is_complete}

    def to_event(self) -> dict[str, Any]:
        """Return the payload of a trigger's event: plain JSON."""
        return {
            "status": str(self.verdict),
            "message": self.message,
            "summary": self.summary.to_json(),
            "expected": self.expected,
            "explanation": self.explanation,
            "deadline": self.deadline,
        }


class CompletionTracker:
    """One wait for the calls of a send.

    :param send_id: The send.
    :param goal: How many calls must have ended.
    :param deadline: When the time is over.
    :param started: When it began, which a reschedule does not change; None for when the deadline was seen.
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
        """How many looks failed in a row."""
        return self._failures

    @property
    def is_refused(self) -> bool:
        """Whether the last look failed because the receiver refused the secret."""
        return self._refused_since is not None

    def before_first_look(self) -> Decision:
        """Return the decision that needs no look: where nobody was called, nothing is waited for."""
        return self._decide(Verdict.WAIT if self._goal.needed else Verdict.COMPLETE)

    def after_look(self, look: PollResult, now: ClockReading) -> Decision:
        """Return what a look that worked means.

        :param look: What it found.
        :param now: When it was made.
        """
        self._failures, self._failing_since, self._refused_since = 0, None, None
        self._summary = look.summary
        if look.summary.calls >= self._goal.needed:
            return self._decide(Verdict.COMPLETE)
        if look.unknown_jobs and self._patience.is_over(now):
            return self._decide(
                Verdict.ERROR,
                f"the status function does not know {look.unknown_jobs} of the send's RequestTokens (-2014), "
                f"and the wait began over {UNKNOWN_JOB_SECONDS:.0f} seconds ago. Check in the Inforu portal "
                "whether these requests were carried out, and that status_function is the right one",
            )
        if self.deadline.is_over(now):
            return self._decide(
                Verdict.TIMEOUT,
                "the time is over. Wait longer (timeout), settle for fewer (complete_when, "
                "on_timeout='succeed'), or check that the outcomes arrive",
            )
        return self._decide(Verdict.WAIT)

    def after_error(self, error: InforuError, now: ClockReading) -> Decision:
        """Return what a look that failed means.

        :param error: Why it failed.
        :param now: When it failed.
        """
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = now.monotonic
        if not self._is_transient(error, now):
            return self._decide(Verdict.ERROR, str(error))
        failing_seconds = now.monotonic - self._failing_since
        if self.deadline.is_over(now):
            # What was known earlier may be out of date: better no answer than "nobody picked up".
            return self._decide(
                Verdict.ERROR, f"the time is over, and what became of the calls could not be asked: {error}"
            )
        if self._failures >= FAILURES_IN_A_ROW and failing_seconds >= FAILURE_SECONDS:
            return self._decide(
                Verdict.ERROR,
                f"what became of the calls could not be asked {self._failures} times in a row, for "
                f"{failing_seconds:.0f} seconds: {error}. A retry waits again, and calls nobody",
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
            counts += f", {self._goal.needed} are waited for"
        message = f"{counts}; {reason}" if reason else counts
        return Decision(verdict, message, self._summary, self._goal.expected, deadline=self.deadline.at)


def is_transient(error: InforuError) -> bool:
    """Return whether an error may go away by itself, so that looking again makes sense.

    :param error: What a look raised.
    """
    passing = getattr(error, "is_passing", None)
    if passing is not None:
        return bool(passing)
    if isinstance(error, InforuRateLimitError):
        return True
    return not isinstance(error, InforuInputError | InforuApiError)
