"""Sends for the pictures and the tests of the page "Inforu calls": made up, and always the same."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_inforu.outcomes.push_health import PushHealth
from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary
from airflow_provider_inforu.ui.call_views import (
    PAGE_SIZE,
    BatchView,
    OutcomesView,
    PeopleCounts,
    ResultsPage,
    SendFilter,
    SendList,
    SendView,
    SettleRefusedError,
    TaskRef,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_inforu.ledger.decisions import Choice

START = dt.datetime(2026, 11, 29, 9, 0, tzinfo=dt.UTC)
BATCH = 100
STATUSES = {"Answered": 288, "NoAnswer": 61, "Busy": 17, "מספר לא מחובר": 6}


class SampleCalls:
    """A source of sends in memory.

    :param sends: The newest first.
    """

    def __init__(self, sends: Sequence[SendView] = (), *, has_receiver: bool = True) -> None:
        self.sends = {send.task: send for send in sends}
        self.has_receiver = has_receiver
        self.settled: list[tuple[TaskRef, Choice, list[int]]] = []
        self.asked: list[str] = []

    def list_sends(self, dag_ids: Collection[str], wanted: SendFilter, page: int) -> SendList:
        """Return a page of the list."""
        readable = [send for send in self.sends.values() if send.task.dag_id in dag_ids]
        found = [
            send
            for send in readable
            if wanted.dag_id in {"", send.task.dag_id}
            and wanted.conn_id in {"", send.conn_id}
            and (send.needs_person or not wanted.needs_person)
        ]
        start = PAGE_SIZE * (page - 1)
        conn_ids = sorted({send.conn_id for send in readable})
        return SendList(found[start : start + PAGE_SIZE], len(found), conn_ids)

    def find_send(self, task: TaskRef) -> SendView | None:
        """Return the send of a task."""
        self.asked.append(task.dag_id)
        return self.sends.get(task)

    def list_batches(self, send: SendView) -> Sequence[BatchView]:
        """Return batches that fit the counts."""
        counts = send.counts or PeopleCounts(0)
        states = (
            ["rejected"] * -(-counts.rejected // BATCH)
            + ["accepted"] * -(-counts.accepted // BATCH)
            + ["in doubt"] * -(-counts.in_doubt // BATCH)
        )
        number = -(-counts.recipients // BATCH)
        states += ["not sent"] * (number - len(states))
        reasons = {"rejected": "The campaign is closed", "in doubt": "The connection broke off"}
        return [
            BatchView(
                index + 1,
                BATCH * index + 1,
                min(BATCH * (index + 1), counts.recipients),
                state,  # type: ignore[arg-type]
                reasons.get(state, ""),
                f"000001.{index}",
                [f"INV-{BATCH * index + one:05}" for one in range(1, BATCH + 1)] if state in reasons else (),
            )
            for index, state in enumerate(states[:number])
        ]

    def find_outcomes(self, send: SendView) -> OutcomesView | None:
        """Return outcomes that fit the send."""
        if not self.has_receiver:
            return None
        calls = sum(send.by_status.values())
        digits = {"1": calls // 2, "2": calls // 7, "9": calls // 50} if calls else {}
        ended = [
            (START + dt.timedelta(minutes=index), calls * share // 100)
            for index, share in enumerate((2, 7, 12, 15, 14, 13, 11, 9, 7, 4, 3, 2, 1))
        ]
        summary = SendSummary(send.send_id, calls, send.by_status, digits, START, None)
        return OutcomesView(summary, ended if calls else ())

    def list_results(self, send: SendView, status: str | None, after: str | None) -> ResultsPage:
        """Return a page of results."""
        start = int(after or 0)
        found = [one for one in self.iter_results(send) if status in {None, one.status}]
        more = start + PAGE_SIZE < len(found)
        return ResultsPage(found[start : start + PAGE_SIZE], str(start + PAGE_SIZE) if more else None)

    def iter_results(self, send: SendView) -> Iterator[CallResult]:
        """Yield results that fit the outcomes."""
        for status, count in send.by_status.items():
            for index in range(count):
                answered = status == "Answered"
                moment = START + dt.timedelta(seconds=7 * index)
                digit = "12"[index % 2] if answered else None
                yield CallResult(f"לקוח-{index + 1}", status, 11 if answered else 0, digit, 4711, moment)

    def read_health(self, conn_ids: Sequence[str]) -> Mapping[str, PushHealth] | None:
        """Return the health of a receiver that refuses pushes of the second connection."""
        if not self.has_receiver:
            return None
        now = dt.datetime.now(dt.UTC)
        health = [PushHealth(now), PushHealth(None, {"wrong_secret": 12})]
        return dict(zip(conn_ids, health, strict=False))

    def settle(self, send: SendView, choice: Choice, requests: Mapping[int, str]) -> None:
        """Record a decision."""
        current = self.sends[send.task]
        if not current.has_ended:
            raise SettleRefusedError("The task is running. Nothing was changed. Wait until it has ended.")
        in_doubt = {one.number: one for one in self.list_batches(current) if one.state == "in doubt"}
        if not requests.items() <= {number: one.request for number, one in in_doubt.items()}.items():
            raise SettleRefusedError(
                "The batches in doubt are no longer the same. Nothing was changed. Reload the page."
            )
        self.settled.append((send.task, choice, list(requests)))
        counts = current.counts or PeopleCounts(0)
        people = sum(in_doubt[number].people for number in requests)
        counts = replace(counts, in_doubt=counts.in_doubt - people)
        if choice == "accept":
            counts = replace(counts, accepted=counts.accepted + people)
        else:
            counts = replace(counts, not_sent=counts.not_sent + people)
        self.sends[send.task] = replace(current, counts=counts)


def make_sample_calls() -> SampleCalls:
    """Return the sends of the pictures."""
    shown = [
        ("appointment_reminders", "call_patients", "success", PeopleCounts(372, 372, skipped=4), STATUSES),
        (
            "overdue_invoices",
            "call_debtors",
            "failed",
            PeopleCounts(1250, 850, 100, 200, 7, 100),
            {"Answered": 590, "NoAnswer": 120, "Busy": 31},
        ),
        (
            "תזכורות_תור",
            "חיוג_ללקוחות",
            "running",
            PeopleCounts(5000, 2300, not_sent=2700),
            {"Answered": 900, "NoAnswer": 210},
        ),
        ("parcels", "call", "deferred", PeopleCounts(40, 40), {}),
        (
            "sharded_campaign",
            "call",
            "success",
            PeopleCounts(10000, 10000),
            {"Answered": 7421, "NoAnswer": 1901, "Busy": 655},
        ),
    ]
    return SampleCalls(
        [
            SendView(
                TaskRef(
                    dag, "scheduled__2026-11-29T09:00:00+00:00", task, 3 if dag == "sharded_campaign" else -1
                ),
                f"{index:016x}",
                "inforu_default" if index != 3 else "inforu_parcels",
                state,
                state in {"success", "failed"},
                START - dt.timedelta(hours=index),
                counts,
                by_status,
            )
            for index, (dag, task, state, counts, by_status) in enumerate(shown)
        ]
    )
