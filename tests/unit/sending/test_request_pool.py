"""A send that is interrupted ends soon, whatever its vendor does, and loses nothing that it knows."""

import subprocess
import sys
import threading
import time

import pytest

from airflow_provider_inforu.capi.client import InforuClient
from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.capi.voice import read_receipt
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.task_state_store import MemoryStore
from airflow_provider_inforu.recipients.batches import Batch
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending.dispatch import Dispatch
from airflow_provider_inforu.sending.limits import Limits
from tests.raw_vendor import accept, raw_vendor


class TaskTimeout(BaseException):
    """As Airflow's own, which a signal raises wherever the task is."""


class Send:
    """A send of four batches over a real client, in a thread of its own."""

    def __init__(self, vendor_url, prepare=None, batches=4, width=4):
        self._client = InforuClient(base_url=vendor_url, username="u", token="t", timeout=300)
        people = [Recipient(str(number), "0589995551", "hello") for number in range(1, batches + 1)]
        self.store = MemoryStore()
        ledger = open_ledger(self.store, Header("5e4d", "options_digest", batches, batches, 0))
        self.dispatch = Dispatch(
            ledger,
            [Batch(number, [person]) for number, person in enumerate(people, start=1)],
            prepare or self._prepare,
            Limits(requests_per_second=0, max_in_flight=width),
        )
        self.raised = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _prepare(self, batch):
        prepared = self._client.prepare("Voice/Message/Send", {"Number": batch.number})
        return lambda: read_receipt(self._client.send(prepared), 1)

    def interrupt_when(self, has_come):
        """Raise a timeout in the sending thread, as soon as this many answers are in the ledger."""
        say = self.dispatch._progress.say

        def say_or_raise(in_flight):
            say(in_flight)
            if has_come():
                raise TaskTimeout

        self.dispatch._progress.say = say_or_raise

    def start(self):
        self._thread.start()
        return self

    def _run(self):
        try:
            self.dispatch.run()
        except BaseException as error:
            self.raised = error

    def ends(self):
        """Return whether the send and all threads of its requests end."""
        self._thread.join(60)
        for thread in self.dispatch._requests._threads._threads:
            thread.join(60)
        return not any(
            thread.is_alive() for thread in [self._thread, *self.dispatch._requests._threads._threads]
        )

    def states(self):
        return {number: one.state for number, one in read_ledger(self.store)[1].items()}


def hang_but_for(answered, is_trickling, vendor_ended):
    """Return a vendor that accepts one request, and hangs or trickles for the others."""

    def respond(connection, request):
        number = request["Data"]["Number"]
        if number == answered:
            connection.sendall(accept("token"))
        elif is_trickling:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not vendor_ended.wait(0.05):
                connection.sendall(b"x")
        else:
            vendor_ended.wait(300)

    return respond


ONE_ACCEPTED = {
    1: BatchState.SUBMITTING,
    2: BatchState.SUBMITTING,
    3: BatchState.ACCEPTED,
    4: BatchState.SUBMITTING,
}


@pytest.mark.parametrize("is_trickling", [True, False])
@pytest.mark.parametrize("interruption", ["timeout", "kill"])
def test_an_interrupted_send_ends_although_its_vendor_never_does(is_trickling, interruption):
    ended = threading.Event()
    with raw_vendor(hang_but_for(3, is_trickling, ended)) as vendor:
        send = Send(vendor.url)

        def all_asked_and_one_answered():
            return len(vendor.requests) == 4 and send.dispatch._ledger.accepted(3)

        if interruption == "timeout":
            send.interrupt_when(all_asked_and_one_answered)
            # The loop waits for answers; an alarm would strike there.
            send.dispatch._take_answers = wake_up_often(send.dispatch)
        send.start()
        if interruption == "kill":
            while not all_asked_and_one_answered():
                time.sleep(0.01)
            send.dispatch.stop(InforuError("the task was killed"))
        assert send.ends()
        assert not ended.is_set()
        assert send.states() == ONE_ACCEPTED
        assert isinstance(send.raised, TaskTimeout) is (interruption == "timeout")
        ended.set()


def wake_up_often(dispatch):
    take = dispatch._take_answers
    return lambda _wait: take(0.01)


def test_an_answer_that_comes_shortly_after_the_timeout_is_written():
    is_interrupted = threading.Event()

    def respond(connection, request):
        assert is_interrupted.wait(60)
        connection.sendall(accept(f"token-{request['Data']['Number']}"))

    with raw_vendor(respond) as vendor:
        send = Send(vendor.url)
        stop = send.dispatch._requests.stop
        send.dispatch._requests.stop = lambda: (stop(), is_interrupted.set())
        send.interrupt_when(lambda: len(vendor.requests) == 4)
        send.dispatch._take_answers = wake_up_often(send.dispatch)
        assert send.start().ends()
        assert send.states() == dict.fromkeys([1, 2, 3, 4], BatchState.ACCEPTED)


def test_a_request_that_has_not_begun_when_the_timeout_strikes_never_leaves_and_is_not_in_doubt():
    left = []

    def prepare(batch):
        while not send.dispatch._requests._group.is_stopped:
            time.sleep(0.001)
        return lambda: left.append(batch.number)

    send = Send("http://127.0.0.1:1", prepare)
    send.interrupt_when(lambda: True)
    assert send.start().ends()
    assert isinstance(send.raised, TaskTimeout)
    assert left == []
    assert send.states() == {}


IN_A_PROCESS = """
import signal, sys
sys.path.insert(0, {root!r})
from tests.unit.sending.test_request_pool import Send, TaskTimeout

def strike(*_):
    raise TaskTimeout

signal.signal(signal.SIGALRM, strike)
signal.setitimer(signal.ITIMER_REAL, 3)
send = Send({url!r})
try:
    send.dispatch.run()
except TaskTimeout:
    print(sorted(number for number, state in send.states().items() if state == "accepted"))
"""


def test_the_process_of_an_interrupted_send_can_exit(pytestconfig):
    ended = threading.Event()
    with raw_vendor(hang_but_for(3, True, ended)) as vendor:
        script = IN_A_PROCESS.format(root=str(pytestconfig.rootpath), url=vendor.url)
        process = subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120
        )
        assert not ended.is_set()
        ended.set()
    assert process.stdout == "[3]\n"
    assert len(vendor.requests) == 4
