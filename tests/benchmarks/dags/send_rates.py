"""The same requests made in five ways, each a DAG of its own.

The requests of `thread_pool` and `ours_no_limit` are more of the same: those ways are fast.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import BaseHook, dag, task

from airflow_provider_inforu.ledger.task_state_store import TaskStateStore
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.sending.request_pool import RequestPool

WIDTH = 32
FUNCTION = "api/v2/Voice/Message/Send"
BATCHES = int(os.environ.get("BENCHMARK_BATCHES", "100"))
FAST_BATCHES = 8 * BATCHES
MAPPED = int(os.environ.get("BENCHMARK_MAPPED", "20"))


def people(batches: int) -> list[str]:
    return [f"05{number:08}" for number in range(batches * 100)]


def bodies(batches: int) -> list[str]:
    phones = people(batches)
    return [
        json.dumps(
            {
                "Data": {
                    "List": [
                        {
                            "TextToSpeech": "hello",
                            "Phone": one,
                            "CustomerMessageID": f"0123456789abcdef-{one}",
                        }
                        for one in phones[start : start + 100]
                    ]
                }
            }
        )
        for start in range(0, len(phones), 100)
    ]


def session_and_url():
    import requests
    from requests.adapters import HTTPAdapter

    connection = BaseHook.get_connection("inforu_default")
    session = requests.Session()
    session.auth = (connection.login, connection.password)
    session.mount("http://", HTTPAdapter(pool_maxsize=WIDTH))
    return session, f"{connection.host}/{FUNCTION}"


@dag(schedule=None)
def loop():
    @task
    def send():
        session, url = session_and_url()
        for body in bodies(BATCHES):
            session.post(url, data=body.encode(), timeout=30).raise_for_status()

    send()


@dag(schedule=None)
def thread_pool():
    @task
    def send():
        session, url = session_and_url()
        with ThreadPoolExecutor(WIDTH) as pool:
            posts = pool.map(
                lambda body: session.post(url, data=body.encode(), timeout=30), bodies(FAST_BATCHES)
            )
            for answer in posts:
                answer.raise_for_status()

    send()


@dag(schedule=None)
def mapped_http_operators():
    HttpOperator.partial(
        task_id="send",
        http_conn_id="sandbox_http",
        endpoint=FUNCTION,
        headers={"Content-Type": "application/json"},
    ).expand(data=bodies(MAPPED))


class TimedSend(InforuSendTextToSpeechOperator):
    """Also pushes how long a write of the ledger took (ms), and when its requests left (s)."""

    def execute(self, context):
        seconds, write = [], TaskStateStore.set

        def timed(store, key, value):
            begun = time.perf_counter()
            write(store, key, value)
            seconds.append(time.perf_counter() - begun)

        left, send = [], RequestPool.send

        def leave(pool, batch, ready):
            left.append(time.monotonic())
            send(pool, batch, ready)

        with mock.patch.object(TaskStateStore, "set", timed), mock.patch.object(RequestPool, "send", leave):
            manifest = super().execute(context)
        context["ti"].xcom_push(key="left", value=left)
        context["ti"].xcom_push(key="write_ms", value=statistics.median(seconds) * 1000)
        return manifest


def ours(batches: int, conn_id: str, max_in_flight: int) -> None:
    @task(show_return_value_in_logs=False)
    def read() -> list[str]:
        return people(batches)

    TimedSend(
        task_id="send",
        recipients=read(),
        message="hello",
        inforu_conn_id=conn_id,
        max_in_flight=max_in_flight,
    )


@dag(schedule=None)
def ours_default_rate():
    ours(BATCHES, "inforu_default", 128)


@dag(schedule=None)
def ours_no_limit():
    ours(FAST_BATCHES, "inforu_no_limit", WIDTH)


loop()
thread_pool()
mapped_http_operators()
ours_default_rate()
ours_no_limit()
