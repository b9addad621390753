"""An answer that has come is kept in a process that has no file descriptor left."""

import subprocess
import sys

import pytest

from tests.raw_vendor import accept, raw_vendor, response

IN_A_PROCESS = """
import os, resource, sys
from airflow_provider_inforu.capi.client import InforuClient
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.capi.voice import SendReceipt, read_receipt

from airflow_provider_inforu.sending.dispatch import Dispatch
from airflow_provider_inforu.sending.limits import Limits
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.recipients.batches import Batch
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.ledger.task_state_store import MemoryStore

client = InforuClient(base_url={url!r}, username="u", token="t")
prepared = client.prepare("Voice/Message/Send", {{"Name": "A"}})
# Where no more files can be opened, an import fails that was not needed before.
free = os.dup(0)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, free + 1))
ledger = open_ledger(MemoryStore(), Header("5e4d", "plan", 1, 1, 0))
batch = Batch(1, [Recipient("1", "0589995551", "hello")])
send = lambda: read_receipt(client.send(prepared), 1)
dispatch = Dispatch(ledger, [batch], lambda _: send, Limits(requests_per_second=0, max_in_flight=1))
if {code} == 429:
    dispatch._backoff_gate.after = lambda error: False
dispatch.run()
print(ledger.records[1].state if 1 in ledger.records else "not sent")
print(dispatch.stopped_by or "")
"""

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'23\r\n{"StatusId": 1, "Data": {"a": "b"}}\r\n0\r\n\r\n'
)


@pytest.mark.parametrize(
    ("code", "answer", "state"),
    [
        (200, accept("token"), "accepted"),
        (200, CHUNKED, "accepted"),
        (403, response({"StatusId": -18, "StatusDescription": "שגיאה"}, 403), "rejected"),
        (429, response({"StatusId": -429}, 429, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"), "not sent"),
    ],
    ids=["accepted", "chunked", "rejected", "rate limit"],
)
def test_an_answer_counts_where_no_file_can_be_opened(code, answer, state):
    with raw_vendor(lambda connection, _: connection.sendall(answer)) as vendor:
        process = subprocess.run(
            [sys.executable, "-c", IN_A_PROCESS.format(url=vendor.url, code=code)],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert process.stdout.splitlines()[0] == state, process.stdout
    assert len(vendor.requests) == 1
