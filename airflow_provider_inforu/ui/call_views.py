"""What the pages show: plain values without phones, and the source that provides them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_inforu.ledger.decisions import Choice
    from airflow_provider_inforu.outcomes.push_health import PushHealth
    from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary

PAGE_SIZE = 25
"""Sends on one page of the list, and results on one page of a send."""


class CallsUnavailableError(Exception):
    """The ledger or the database cannot be read now. The message is safe to show."""


class SettleRefusedError(Exception):
    """The batches were not settled, and nothing was changed. The message is safe to show."""


@dataclass(frozen=True, slots=True)
class TaskRef:
    """The name of a task instance.

    :ivar map_index: -1 if the task is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """How many people of a send are in each state.

    :ivar recipients: All people of the send, without the skipped rows.
    """

    recipients: int
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0
    skipped: int = 0
    not_sent: int = 0


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch of a send.

    :ivar first: The number of its first person, from 1.
    :ivar last: The number of its last person.
    :ivar request: Names its request, if it was sent. A decision is about a request.
    :ivar keys: The keys of its people, if they are stored: of people in doubt or rejected.
    :ivar ended: How many of these have a result. One result proves that Inforu accepted the batch.
    """

    number: int
    first: int
    last: int
    state: Literal["accepted", "rejected", "in doubt", "not sent"]
    reason: str = ""
    request: str = ""
    keys: Sequence[str] = ()
    ended: int = 0

    @property
    def people(self) -> int:
        """How many people the batch holds."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class SendView:
    """A send, as the list shows it.

    :ivar task_state: Airflow's state of the task instance.
    :ivar has_ended: Whether the task instance will not run again by itself.
    :ivar began_at: In UTC; None if unknown.
    :ivar counts: None if neither the ledger nor the manifest can be read.
    :ivar by_status: How many calls ended with each status. Only the list fills it.
    """

    task: TaskRef
    send_id: str
    conn_id: str
    task_state: str
    has_ended: bool
    began_at: dt.datetime | None = None
    counts: PeopleCounts | None = None
    by_status: Mapping[str, int] = field(default_factory=dict)

    @property
    def needs_person(self) -> bool:
        """Whether a person must decide about people in doubt."""
        return self.has_ended and self.counts is not None and self.counts.in_doubt > 0

    @property
    def is_unfinished(self) -> bool:
        """Whether the task failed before it had sent to everybody, and no decision is needed."""
        if self.task_state != "failed" or self.counts is None:
            return False
        return self.counts.not_sent > 0 and not self.needs_person


@dataclass(frozen=True, slots=True)
class SendFilter:
    """Which sends the list shows. Empty values select everything.

    :ivar days: The age of the oldest send.
    """

    dag_id: str = ""
    conn_id: str = ""
    days: int = 0
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class SendList:
    """One page of the list.

    :ivar total: How many sends match the filter.
    :ivar conn_ids: The connections of all sends that the user may read.
    :ivar unknown: How many sends the filter left out because their ledgers were not looked up.
    """

    sends: Sequence[SendView]
    total: int
    conn_ids: Sequence[str] = ()
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class OutcomesView:
    """How the calls of a send ended.

    :ivar ended: How many calls ended in each interval, oldest first.
    """

    summary: SendSummary
    ended: Sequence[tuple[dt.datetime, int]] = ()


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """Results by key.

    :ivar next: The cursor of the next page; None on the last page.
    """

    results: Sequence[CallResult]
    next: str | None = None


class CallsSource(Protocol):
    """Where the pages read. Every method may raise CallsUnavailableError."""

    def list_sends(self, dag_ids: Collection[str], wanted: SendFilter, page: int) -> SendList:
        """Return one page of the sends of these DAGs, the newest first."""

    def find_send(self, task: TaskRef) -> SendView | None:
        """Return the send of a task instance, or None if it has none."""

    def list_batches(self, send: SendView) -> Sequence[BatchView]:
        """Return the batches of a send, in order."""

    def find_outcomes(self, send: SendView) -> OutcomesView | None:
        """Return how the calls ended, or None without a receiver."""

    def list_results(self, send: SendView, status: str | None, after: str | None) -> ResultsPage:
        """Return one page of results; with a status, only those.

        :raises ValueError: `after` is not a cursor.
        """

    def iter_results(self, send: SendView) -> Iterator[CallResult]:
        """Yield the result of each call that has ended."""

    def read_health(self, conn_ids: Sequence[str]) -> Mapping[str, PushHealth] | None:
        """Return the health of pushes by connection, or None without a receiver."""

    def settle(self, send: SendView, choice: Choice, requests: Mapping[int, str]) -> None:
        """Record a decision about batches in doubt.

        :param requests: The requests that the person saw, by the number of their batch.
        :raises SettleRefusedError: The task runs, one of these requests is not in doubt by now, or people who
            have a result would be called again.
        """
