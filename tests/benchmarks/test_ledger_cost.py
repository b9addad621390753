"""What the ledger costs a send without a rate limit, by the time that its store takes for one write.

No Airflow runs beside it: on a machine with few cores, Airflow's processes would be measured too. Prints,
asserts no time.
"""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from airflow_provider_inforu.capi.client import InforuClient
from airflow_provider_inforu.capi.voice import SEND_TEXT_TO_SPEECH, read_receipt, text_to_speech_data
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.ledger.task_state_store import MemoryStore
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.recipients.recipient_store import Recipient, RecipientStore
from airflow_provider_inforu.sending.dispatch import Dispatch
from airflow_provider_inforu.sending.limits import Limits
from demo.sandbox_process import SandboxProcess
from tests.benchmarks.test_send_rate import LATENCY_SECONDS, WIDTH, arrivals, requests_per_second

REQUESTS = 1200
WRITES_MILLISECONDS = (0, 5, 10, 12, 14, 20)
SEND_ID = "0123456789abcdef"


class SlowStore(MemoryStore):
    """Takes its time for a write, as Airflow's task state does."""

    def __init__(self, milliseconds):
        super().__init__()
        self.writes = 0
        self._seconds = milliseconds / 1000

    def set(self, key, value):
        end = time.perf_counter() + self._seconds
        super().set(key, json.loads(json.dumps(value)))
        self.writes += 1
        time.sleep(max(0.0, end - time.perf_counter()))


def rate_of(sandbox, send):
    """Return how many requests arrived in a second."""
    sandbox.reset()
    sandbox.change_settings(latency=LATENCY_SECONDS, requests_per_second=0)
    send()
    assert len(sandbox.requests()) == REQUESTS
    return requests_per_second(arrivals(sandbox))


def bare_threads(sandbox, batches):
    session = requests.Session()
    session.auth = (sandbox.username, sandbox.token)
    session.mount("http://", HTTPAdapter(pool_maxsize=WIDTH))
    bodies = [json.dumps({"Data": text_to_speech_data(batch.calls(SEND_ID))}).encode() for batch in batches]

    def post(body):
        url = f"{sandbox.url}/api/v2/{SEND_TEXT_TO_SPEECH}"
        session.post(url, data=body, timeout=30).raise_for_status()

    with ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(post, bodies))


def ours(sandbox, batches, store):
    client = InforuClient(base_url=sandbox.url, username=sandbox.username, token=sandbox.token)

    def prepare(batch):
        calls = batch.calls(SEND_ID)
        prepared = client.prepare(SEND_TEXT_TO_SPEECH, text_to_speech_data(calls))
        return lambda: read_receipt(client.send(prepared), len(calls))

    ledger = open_ledger(
        store, Header(SEND_ID, "options_digest", len(batches), 100 * len(batches), clear_generation=0)
    )
    Dispatch(ledger, batches, prepare, Limits(requests_per_second=0, max_in_flight=WIDTH)).run()


def test_what_the_ledger_costs_by_the_time_of_a_write(tmp_path):
    store = RecipientStore()
    for number in range(REQUESTS * 100):
        store.recipients.append(Recipient(key=f"k{number}", phone=f"05{number:08}", text="hello"))
    batches = plan_batches(store.recipients)
    for batch in batches:
        assert batch.digest  # an operator has read them by the time it sends
    with SandboxProcess(tmp_path, dict(os.environ), call_seconds=0.2) as sandbox:
        peer = rate_of(sandbox, lambda: bare_threads(sandbox, batches))
        print(f"\n{REQUESTS} requests, {WIDTH} in flight, 200 ms latency; bare threads: {peer:.1f}/s")
        print("| a write takes, ms | requests/s | share of bare threads | writes |\n|---|---|---|---|")
        for milliseconds in WRITES_MILLISECONDS:
            store = SlowStore(milliseconds)
            rate = rate_of(sandbox, lambda store=store: ours(sandbox, batches, store))
            print(f"| {milliseconds} | {rate:.1f} | {rate / peer:.3f} | {store.writes} |", flush=True)
