"""The sends of this Airflow, for the pages: index and ledger from Airflow, outcomes from the receiver."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_reader import read_ledger
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from airflow_provider_inforu.ledger.settling import FINISHED, SettledStore, settle
from airflow_provider_inforu.ui.call_views import (
    PAGE_SIZE,
    BatchView,
    CallsUnavailableError,
    PeopleCounts,
    ResultsPage,
    SendFilter,
    SendList,
    SendView,
    SettleRefusedError,
    TaskRef,
)
from airflow_provider_inforu.ui.ledger_views import are_in_doubt, count_people, view_batches
from airflow_provider_inforu.ui.send_index import (
    StoredSend,
    count_stored_sends,
    find_stored_send,
    list_doubtful_sends,
    list_stored_sends,
    save_counts,
)
from airflow_provider_inforu.ui.task_states import lock_task, read_task_states

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.decisions import Choice
    from airflow_provider_inforu.ledger.ledger_reader import Header
    from airflow_provider_inforu.outcomes.push_health import PushHealth
    from airflow_provider_inforu.outcomes.summary import CallResult
    from airflow_provider_inforu.ui.call_views import OutcomesView
    from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes

MOST_LEDGERS = 200
"""The most sends, the newest first, whose ledgers are read if no XCom shows whether people are in doubt."""
_KEYS_STORED = {BatchState.SUBMITTING, BatchState.REJECTED}
_NOT_SETTLED = (
    "The decision was not recorded, or only for some batches. Reload the page: it shows the batches that are "
    "still in doubt."
)
_UNREADABLE = "The ledger of this send cannot be read. Nothing was changed. Check the log of the API server."


class AirflowCalls:
    """Implements `CallsSource`.

    :param received: The receiver's tables.
    :param ledger_path: ``[inforu] ledger_path``, or empty for Airflow's task state.
    """

    def __init__(self, received: ReceivedOutcomes, ledger_path: str) -> None:
        self._received = received
        self._ledger_path = ledger_path

    def list_sends(self, dag_ids: Collection[str], wanted: SendFilter, page: int) -> SendList:
        """Return one page of the sends of these DAGs, the newest first."""
        counts = count_stored_sends(dag_ids, wanted)
        conn_ids = sorted(filter(None, counts))
        if wanted.needs_person:
            found, unknown = self._list_in_doubt(dag_ids, wanted)
            first = PAGE_SIZE * (page - 1)
            return SendList(self._view(found[first : first + PAGE_SIZE]), len(found), conn_ids, unknown)
        total = counts.get(wanted.conn_id, 0) if wanted.conn_id else sum(counts.values())
        return SendList(self._view(list_stored_sends(dag_ids, wanted, page)), total, conn_ids)

    def _list_in_doubt(self, dag_ids: Collection[str], wanted: SendFilter) -> tuple[list[StoredSend], int]:
        """Return the sends of ended tasks with people in doubt, and the number of sends that are not checked.

        It reads a ledger only if the XComs do not suffice. A send with an unreadable ledger is also returned.
        """
        found = list_doubtful_sends(dag_ids, wanted)
        unclear = [send for send in found if not self._is_surely_in_doubt(send)]
        looked_up = unclear[:MOST_LEDGERS]
        ledgers = self._stores(looked_up) if looked_up else []
        needs_person = {
            send.task: _needs_person(ledger, send) for send, ledger in zip(looked_up, ledgers, strict=True)
        }
        in_doubt = [send for send in found if needs_person.get(send.task, _was_in_doubt(send))]
        return in_doubt, sum(send.last_counts is None for send in unclear[MOST_LEDGERS:])

    def _is_surely_in_doubt(self, send: StoredSend) -> bool:
        # A decision in object storage is not visible in Airflow's database.
        return _was_in_doubt(send) and not send.has_decision and not self._ledger_path

    def find_send(self, task: TaskRef) -> SendView | None:
        """Return the send of a task instance, or None if it has none."""
        found = find_stored_send(task)
        return None if found is None else self._view([found], with_outcomes=False)[0]

    def list_batches(self, send: SendView) -> Sequence[BatchView]:
        """Return the batches of a send, in order."""
        stored = self._find(send)
        try:
            store = self._stores([stored])[0]
            found = read_ledger(store)
        except (InforuError, OSError):
            raise CallsUnavailableError(_UNREADABLE) from None
        return [] if found is None else self._list_batches(stored, store, *found)

    def find_outcomes(self, send: SendView) -> OutcomesView | None:
        """Return the outcomes of the calls, or None without a receiver."""
        return self._received.read(send.conn_id, send.send_id) if self._received.is_ready() else None

    def list_results(self, send: SendView, status: str | None, after: str | None) -> ResultsPage:
        """Return one page of results."""
        return self._received.list_results(send.conn_id, send.send_id, status, after)

    def iter_results(self, send: SendView) -> Iterator[CallResult]:
        """Yield the result of each call that has ended."""
        return self._received.iter_results(send.conn_id, send.send_id)

    def read_health(self, conn_ids: Sequence[str]) -> Mapping[str, PushHealth] | None:
        """Return the health of the notifications by connection, or None without a receiver."""
        return self._received.read_health(conn_ids) if self._received.is_ready() else None

    def settle(self, send: SendView, choice: Choice, requests: Mapping[int, str]) -> None:
        """Record a decision about batches in doubt."""
        with lock_task(send.task) as (session, state):
            if state not in FINISHED:
                raise SettleRefusedError(
                    "The task has not ended. Nothing was changed. Wait until it has ended."
                )
            # Read after the lock, because a whole try may have run while this waited for the lock.
            stored = self._find(send)
            if self._ledger_path:
                store: SettledStore = self._in_object_storage(stored)
            else:
                store = read_task_states([stored], session)[0]
            try:
                found = read_ledger(store)
                keys = _read_keys(store, stored, requests) if choice == "resend" else {}
            except (InforuError, OSError):
                raise CallsUnavailableError(_UNREADABLE) from None
            header, records = found or (None, {})
            if header is None or not are_in_doubt(header, records, requests):
                raise SettleRefusedError(
                    "The batches in doubt are no longer the same. Nothing was changed. Reload the page."
                )
            if choice == "resend":
                self._refuse_people_with_results(stored, keys)
            try:
                settled = settle(store, records, choice, list(requests))
            except (InforuError, OSError):
                raise CallsUnavailableError(_NOT_SETTLED) from None
            save_counts(session, stored, count_people(header, settled))

    def _refuse_people_with_results(self, send: StoredSend, keys: Mapping[int, Sequence[str]]) -> None:
        if self._received.is_expected and not self._received.is_ready():
            raise CallsUnavailableError(
                "The tables of the receiver cannot be read, so it is unknown which people were called. "
                "Nothing was changed. Check the log of the API server."
            )
        if self._count_ended(send, keys):
            raise SettleRefusedError(
                "Results have arrived from some of these people, so they were called. Nothing was "
                "changed. Reload the page."
            )

    def _list_batches(
        self, send: StoredSend, store: SettledStore, header: Header, records: Mapping[int, BatchRecord]
    ) -> list[BatchView]:
        keys: Mapping[int, Sequence[str]] = {}
        with suppress(InforuError, OSError):  # the page then shows the batches without keys
            keys = _read_keys(
                store, send, [number for number in records if records[number].state in _KEYS_STORED]
            )
        ended = self._count_ended(
            send,
            {
                number: names
                for number, names in keys.items()
                if records[number].state is BatchState.SUBMITTING
            },
        )
        return view_batches(header, records, keys, ended)

    def _count_ended(self, send: StoredSend, keys: Mapping[int, Sequence[str]]) -> dict[int, int]:
        """Return the number of people with a result, for each batch with at least one result."""
        if not keys or not self._received.is_ready():
            return {}
        ended = self._received.find_ended(
            send.conn_id, send.send_id, [key for names in keys.values() for key in names]
        )
        counts = {number: sum(key in ended for key in names) for number, names in keys.items()}
        return {number: count for number, count in counts.items() if count}

    def _find(self, send: SendView) -> StoredSend:
        stored = find_stored_send(send.task)
        if stored is None or stored.send_id != send.send_id:
            raise CallsUnavailableError(
                "The task has started another send. Nothing was changed. Reload the page."
            )
        return stored

    def _stores(self, sends: Sequence[StoredSend]) -> Sequence[SettledStore]:
        if self._ledger_path:
            return [self._in_object_storage(send) for send in sends]
        return read_task_states(sends)

    def _in_object_storage(self, send: StoredSend) -> ObjectStorageStore:
        task = send.task
        names = (task.dag_id, task.run_id, task.task_id, str(task.map_index))
        return ObjectStorageStore(self._ledger_path, names)

    def _view(self, sends: Sequence[StoredSend], *, with_outcomes: bool = True) -> list[SendView]:
        statuses: Mapping[tuple[str, str], Mapping[str, int]] = {}
        if sends and with_outcomes and self._received.is_ready():
            statuses = self._received.count_statuses([(send.conn_id, send.send_id) for send in sends])
        open_sends = [send for send in sends if not _final_counts(send)]
        ledgers = self._stores(open_sends) if open_sends else []
        counts = {send.task: _read_counts(ledger) for send, ledger in zip(open_sends, ledgers, strict=True)}
        return [
            SendView(
                send.task,
                send.send_id,
                send.conn_id,
                send.task_state,
                send.task_state in FINISHED,
                send.began_at,
                _final_counts(send) or counts[send.task] or send.last_counts,
                statuses.get((send.conn_id, send.send_id), {}),
            )
            for send in sends
        ]


def _final_counts(send: StoredSend) -> PeopleCounts | None:
    """Return counts that cannot change any more; None if the ledger may have newer counts.

    A person may have settled people in doubt after the task stored its counts.
    """
    counts = send.last_counts
    return counts if counts and send.task_state in FINISHED and not counts.in_doubt else None


def _was_in_doubt(send: StoredSend) -> bool:
    return send.last_counts is not None and send.last_counts.in_doubt > 0


def _needs_person(store: SettledStore, send: StoredSend) -> bool:
    try:
        found = read_ledger(store)
    except (InforuError, OSError):
        return True
    return count_people(*found).in_doubt > 0 if found else _was_in_doubt(send)


def _read_counts(store: SettledStore) -> PeopleCounts | None:
    try:
        found = read_ledger(store)
    except (InforuError, OSError):
        return None
    if found is None:
        return None
    return count_people(*found)


def _read_keys(store: SettledStore, send: StoredSend, numbers: Collection[int]) -> dict[int, Sequence[str]]:
    """Return the keys of the people of batches that the task has stored.

    :raises FactsError: The stored keys are damaged.
    """
    from airflow_provider_inforu.sending.send_facts import load_facts

    if not numbers:
        return {}
    facts = load_facts(store, send.send_id)
    return {} if facts is None else {number: facts.keys[number] for number in numbers if number in facts.keys}
