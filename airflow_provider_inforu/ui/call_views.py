"""The values that the pages show, without phones, and the interface of their source."""

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
"""The sends on one page of the list, and the results on one page of a send."""


class CallsUnavailableError(Exception):
    """The ledger or the database cannot be read now. The message is safe to show."""


class SettleRefusedError(Exception):
    """The batches were not settled, and nothing was changed. The message is safe to show."""


@dataclass(frozen=True, slots=True)
class TaskRef:
    """The IDs that identify a task instance.

    :ivar map_index: The map index; -1 if the task is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """The number of people of a send in each state.

    :ivar recipients: The number of people of the send, without the skipped rows.
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

    :ivar first: The number of its first person in the send, from 1.
    :ivar last: The number of its last person in the send.
    :ivar request: The ID of its request; empty if it was not sent. A decision is about a request.
    :ivar keys: The keys of its people. They are stored only for batches in doubt or rejected.
    :ivar ended: The number of these people with a result. One result proves that Inforu accepted the batch.
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
        """The number of people in the batch."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class SendView:
    """A send in the list.

    :ivar task_state: Airflow's state of the task instance.
    :ivar has_ended: Whether the task instance has ended and will not run again by itself.
    :ivar began_at: When the send began, in UTC; None if unknown.
    :ivar counts: The counts of people; None if neither the ledger nor the stored counts can be read.
    :ivar by_status: The number of calls with each status. It is empty on the page of one send.
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
        """Whether the task failed before it had sent all batches, and no person must decide."""
        if self.task_state != "failed" or self.counts is None:
            return False
        return self.counts.not_sent > 0 and not self.needs_person


@dataclass(frozen=True, slots=True)
class SendFilter:
    """The filter of the list. An empty value selects everything.

    :ivar days: The age of the oldest send, in days.
    """

    dag_id: str = ""
    conn_id: str = ""
    days: int = 0
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class SendList:
    """One page of the list.

    :ivar total: The number of sends that match the filter.
    :ivar conn_ids: The connections of all sends that the user may read.
    :ivar unknown: The number of sends that the list omits because their ledgers were not read.
    """

    sends: Sequence[SendView]
    total: int
    conn_ids: Sequence[str] = ()
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class OutcomesView:
    """The outcomes of a send's calls.

    :ivar ended: The number of ended calls in each interval, oldest first.
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
    """The source of the values that the pages show. Every method may raise CallsUnavailableError."""

    def list_sends(self, dag_ids: Collection[str], wanted: SendFilter, page: int) -> SendList:
        """Return one page of the sends of these DAGs, the newest first."""

    def find_send(self, task: TaskRef) -> SendView | None:
        """Return the send of a task instance, or None if it has none."""

    def list_batches(self, send: SendView) -> Sequence[BatchView]:
        """Return the batches of a send, in order."""

    def find_outcomes(self, send: SendView) -> OutcomesView | None:
        """Return the outcomes of the calls, or None without a receiver."""

    def list_results(self, send: SendView, status: str | None, after: str | None) -> ResultsPage:
        """Return one page of results. With a status, return only results with this status.

        :raises ValueError: ``after`` is not a cursor.
        """

    def iter_results(self, send: SendView) -> Iterator[CallResult]:
        """Yield the result of each call that has ended."""

    def read_health(self, conn_ids: Sequence[str]) -> Mapping[str, PushHealth] | None:
        """Return the health of the notifications by connection, or None without a receiver."""

    def settle(self, send: SendView, choice: Choice, requests: Mapping[int, str]) -> None:
        """Record a decision about batches in doubt.

        :param requests: The requests that the person saw, by the number of their batch.
        :raises SettleRefusedError: The task runs, one of these requests is no longer in doubt, or people with
            a result would be called again.
        """
