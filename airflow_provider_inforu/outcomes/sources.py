"""The two places that know how many calls have ended: the receiver, and the account's status function."""

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

    :ivar request_token: The vendor's receipt for it.
    :ivar calls: How many calls it carried.
    """

    request_token: str = field(repr=False)
    calls: int

    def to_json(self) -> dict[str, Any]:
        """Return the request as a manifest lists it."""
        return {"request_token": self.request_token, "calls": self.calls}


class Source(Protocol):
    """Where to look."""

    def look(self) -> PollResult | None:
        """Return what is known now; None when the rate limit asks to go on a moment later.

        :raises InforuError: It could not be asked.
        """

    def explain(self) -> str:
        """Return what is known of why calls are missing, as sentences; empty where nothing is."""


class NotificationSource:
    """The receiver's summary of the notifications that the vendor pushed.

    :param get_summary: Asks the receiver.
    :param explain: Asks the receiver what it knows of the pushes, and returns sentences.
    """

    def __init__(self, get_summary: Callable[[], SendSummary], explain: Callable[[], str]) -> None:
        self._get_summary = get_summary
        self._explain = explain

    def look(self) -> PollResult:
        """Return what the receiver knows."""
        return PollResult(self._get_summary())

    def explain(self) -> str:
        """Return what the receiver knows of the pushes; empty where it cannot be asked."""
        try:
            return self._explain()
        except InforuError:
            return ""


class StatusSource:
    """The account's status function, asked for each job that has not finished yet.

    :param send_id: The send.
    :param jobs: Its accepted requests.
    :param get_status: Asks for one RequestToken.
    :param may_ask: Whether a request may leave now, which counts it if so.
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
        """Ask for each unfinished job, as far as the rate lets; a look that was cut short goes on there."""
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
        """Return nothing: a status function knows no reasons."""
        return ""
