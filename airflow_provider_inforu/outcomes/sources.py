"""The two sources of ended calls: the receiver, and the account's status function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.capi.jobs import JobStatus
from airflow_provider_inforu.outcomes.decision import PollResult
from airflow_provider_inforu.outcomes.summary import SendSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SourceName = Literal["notifications", "status_function"]


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted request.

    :ivar request_token: The vendor's receipt for the request.
    :ivar calls: The number of calls in the request.
    """

    request_token: str = field(repr=False)
    calls: int

    def to_json(self) -> dict[str, Any]:
        """Return the request in the form of a manifest."""
        return {"request_token": self.request_token, "calls": self.calls}


class Source(Protocol):
    """A source of ended calls."""

    def look(self) -> PollResult | None:
        """Return the current result; None if the rate limit requires a pause.

        :raises InforuError: The source cannot be read.
        """

    def explain(self) -> str:
        """Return sentences that explain missing calls; empty if the source has no explanation."""


class NotificationSource:
    """Reads ended calls from the receiver's summary.

    :param get_summary: Returns the summary of the send from the receiver.
    :param explain: Returns sentences about the health of the connection's pushes.
    """

    def __init__(self, get_summary: Callable[[], SendSummary], explain: Callable[[], str]) -> None:
        self._get_summary = get_summary
        self._explain = explain

    def look(self) -> PollResult:
        """Return the receiver's summary of the send."""
        return PollResult(self._get_summary())

    def explain(self) -> str:
        """Return sentences about the connection's pushes; empty if the receiver cannot be read."""
        try:
            return self._explain()
        except InforuError:
            return ""


class StatusSource:
    """Reads ended calls from the account's status function, job by job.

    :param send_id: The ID of the send.
    :param jobs: The accepted requests of the send.
    :param get_status: Returns the status of one RequestToken.
    :param may_ask: Returns whether the rate limit allows a request now, and counts the request.
    """

    def __init__(
        self,
        send_id: str,
        jobs: Sequence[Job],
        get_status: Callable[[str], JobStatus],
        may_ask: Callable[[], bool],
    ) -> None:
        self._send_id = send_id
        self._get_status = get_status
        self._may_ask = may_ask
        self._unfinished = list(jobs)
        self._still_to_ask: list[Job] = []
        self._unknown = 0
        self._ended_calls = 0

    def look(self) -> PollResult | None:
        """Return the ended calls after a request for each unfinished job.

        Returns None if the rate limit stops it. The next call continues with the remaining jobs.
        """
        if not self._still_to_ask:
            self._still_to_ask = list(self._unfinished)
            self._unknown = 0
        while self._still_to_ask:
            if not self._may_ask():
                return None
            job = self._still_to_ask[0]
            status = self._get_status(job.request_token)
            self._still_to_ask.pop(0)
            if status is JobStatus.FINISHED:
                self._unfinished.remove(job)
                self._ended_calls += job.calls
            elif status is JobStatus.NOT_FOUND:
                self._unknown += 1
        return PollResult(SendSummary(self._send_id, self._ended_calls), self._unknown)

    def explain(self) -> str:
        """Return an empty text, because a status function gives no reasons."""
        return ""
