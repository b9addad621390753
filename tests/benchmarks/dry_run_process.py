"""One task in a process of its own, through Airflow's real task runner; says what it took.

Its argument is JSON: ``way`` is ``ours`` or ``peer``, ``path`` or ``sql`` says where the people are, and
``result`` is the file to write into. The peer is what one writes without us: it takes all rows, fills in the
texts, and parts them into requests. It checks nothing and finds nobody who came before.
"""

import csv
import gzip
import json
import sys
import time
from pathlib import Path

from airflow.sdk import DAG, BaseHook, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.transfers.sql_to_voice import SqlToInforuVoiceOperator
from tests.benchmarks.peak import peak_megabytes
from tests.task_runner import TaskRunner

MESSAGE = "שלום {name}, יתרתך {balance}"
CONNECTION = "people_db"


def ours(given):
    arguments = {"task_id": "call", "message": MESSAGE, "key_field": "id", "dry_run": True}
    if "sql" in given:
        return SqlToInforuVoiceOperator(sql=given["sql"], conn_id=CONNECTION, **arguments)
    return InforuSendTextToSpeechOperator(recipients=given["path"], **arguments)


def peer(given):
    @task(task_id="call", show_return_value_in_logs=False)
    def call():
        calls = [
            {"Phone": row["phone"], "TextToSpeech": MESSAGE.format(**row), "CustomerMessageID": row["id"]}
            for row in all_rows(given)
        ]
        requests = [calls[start : start + 100] for start in range(0, len(calls), 100)]
        return {"would_call": len(calls), "would_request": len(requests)}

    return call().operator


def all_rows(given):
    if "sql" in given:
        names = ("id", "phone", "name", "balance")
        found = BaseHook.get_hook(CONNECTION).get_records(given["sql"])
        return [dict(zip(names, row, strict=True)) for row in found]
    path = given["path"]
    if path.endswith(".parquet"):
        import pyarrow.parquet as pq

        return pq.read_table(path).to_pylist()
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file] if path.endswith(".ndjson") else list(csv.DictReader(file))


def main(given):
    with DAG("dag"):
        operator = {"ours": ours, "peer": peer}[given["way"]](given)
    runner = TaskRunner()
    wall, cpu = time.perf_counter(), time.process_time()
    state = runner.run(operator)
    taken = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    said = {"state": state, "megabytes": peak_megabytes(), **taken, **runner.xcoms.get("return_value", {})}
    Path(given["result"]).write_text(json.dumps(said))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
