"""The report of a send in a process of its own; says what it took.

Its argument is JSON: ``way`` is ``ours`` or ``peer``, ``people`` their number, ``path`` the report, and
``result`` the file to write into. Everybody was accepted and every call has ended. The peer has the outcomes
in a dict.
"""

import csv
import datetime as dt
import json
import sys
import time
from pathlib import Path

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.outcomes.summary import CallResult
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.recipients.recipient_store import Recipient, RecipientStore
from airflow_provider_inforu.sending.outcome_store import Outcomes
from airflow_provider_inforu.sending.report_file import (
    COLUMNS,
    rows_of_send,
    with_outcomes,
    write_report,
)
from tests.benchmarks.peak import peak_megabytes

ENDED_AT = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)


def results(count):
    return (CallResult(f"k{n}", "Answered", n % 60, str(n % 10), 183, ENDED_AT) for n in range(count))


def ours(count, path):
    store = RecipientStore()
    for number in range(count):
        store.recipients.append(Recipient(f"k{number}", f"05{number:08}", "שלום דנה לוי, יתרתך 17.50"))
    batches = plan_batches(store.recipients)
    records = {
        one.number: BatchRecord(BatchState.ACCEPTED, "d", request_token="t", campaign_id=183)
        for one in batches
    }
    rows = rows_of_send(batches, store.skipped, records)
    write_report(path, with_outcomes(rows, Outcomes(results(count))))


def peer(count, path):
    people = [f"k{number}" for number in range(count)]
    ended = {one.key: one for one in results(count)}
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for key in people:
            one = ended[key]
            said = {
                "outcome": one.status,
                "seconds": one.seconds,
                "digit": one.digit,
                "ended_at": one.ended_at,
            }
            table.writerow({"key": key, "state": "accepted", **said})


def main(given):
    wall, cpu = time.perf_counter(), time.process_time()
    {"ours": ours, "peer": peer}[given["way"]](given["people"], given["path"])
    taken = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    Path(given["result"]).write_text(json.dumps({"megabytes": peak_megabytes(), **taken}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
