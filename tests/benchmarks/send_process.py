"""A send of the people of a CSV file in a process of its own, through Airflow's real task runner.

Its argument is JSON: ``way`` is ``ours`` or ``peer``, ``path`` is the file, ``state`` the file that stands
for Airflow's task state and survives a kill, ``result`` the file to write into, ``report`` the report or
nothing. The peer is what one writes without us: all rows in a list, and threads that send them. It checks
nothing and writes nothing down.
"""

import csv
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from airflow.sdk import DAG, BaseHook, task

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from tests.benchmarks.peak import peak_megabytes
from tests.chaos.zygote import StateFile
from tests.task_runner import TaskRunner

MESSAGE = "שלום {name}, יתרתך {balance}"
WIDTH = 32


def ours(given):
    return InforuSendTextToSpeechOperator(
        task_id="call",
        recipients=given["path"],
        message=MESSAGE,
        key_field="id",
        max_in_flight=WIDTH,
        report_path=given["report"],
        retries=100,
    )


def peer(given):
    @task(task_id="call")
    def call():
        import requests
        from requests.adapters import HTTPAdapter

        connection = BaseHook.get_connection("inforu_default")
        session = requests.Session()
        session.auth = (connection.login, connection.password)
        session.mount("http://", HTTPAdapter(pool_maxsize=WIDTH))
        url = f"{connection.host}/api/v2/Voice/Message/Send"

        def post(items):
            body = json.dumps({"Data": {"List": items}})
            session.post(url, data=body.encode(), timeout=30).raise_for_status()

        with Path(given["path"]).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        items = [
            {"Phone": row["phone"], "TextToSpeech": MESSAGE.format(**row), "CustomerMessageID": row["id"]}
            for row in rows
        ]
        with ThreadPoolExecutor(WIDTH) as pool:
            list(pool.map(post, (items[start : start + 100] for start in range(0, len(items), 100))))

    return call().operator


def main(given):
    with DAG("dag"):
        operator = {"ours": ours, "peer": peer}[given["way"]](given)
    runner = TaskRunner()
    runner.max_tries = 100
    runner.state_store = StateFile(given["state"])
    state = runner.run(operator, try_number=given["try_number"])
    said = {"state": state, "megabytes": peak_megabytes(), "manifest": runner.xcoms.get("return_value")}
    Path(given["result"]).write_text(json.dumps(said))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
