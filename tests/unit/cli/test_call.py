"""`airflow inforu call`."""

import io
import json
import re
import signal
import subprocess
import sys

import pytest

from airflow_provider_inforu.cli import call
from airflow_provider_inforu.hooks.inforu import InforuHook
from tests.unit.cli.test_sends import Terminal

PHONE = "0500000001"
CALL = ("call", PHONE, "The load failed.")

pytestmark = pytest.mark.usefixtures("connection")


def called(sandbox):
    return [(call["phone"], call["text"]) for call in sandbox.calls()]


def test_one_phone_is_called_and_never_shown(inforu, inforu_sandbox):
    code, out, err = inforu("call", "+972-50-000-0001", " The load failed. ", "--yes")
    assert (code, err) == (0, "")
    assert called(inforu_sandbox) == [(PHONE, "The load failed.")]
    assert out.startswith("Accepted: Inforu calls the phone that ends in 01 (send ")
    assert not re.search("0-?0-?0-?0-?0-?1", out)


def test_json_is_alone_on_stdout(inforu, inforu_sandbox):
    code, out, err = inforu(*CALL, "--yes", "-o", "json")
    said = json.loads(out)
    assert (code, err, said["outcome"]) == (0, "", "accepted")
    (call,) = inforu_sandbox.calls()
    assert call["message_id"] == f"{said['send_id']}-1"
    assert (call["campaign_id"], call["request_token"]) == (said["campaign_id"], said["request_token"])


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_a_person_is_asked_and_only_a_yes_calls(inforu, inforu_sandbox, monkeypatch, typed, code):
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    ended, _, err = inforu("call", PHONE, f"Call back {PHONE}, please.")
    assert ended == code
    assert "the phone that ends in 01 will ring now" in err
    assert "Call back [phone hidden], please." in err
    assert PHONE not in err
    assert len(called(inforu_sandbox)) == int(code == 0)
    assert ("nobody was called" in err) == bool(code)


def test_without_a_terminal_and_without_yes_nobody_is_called(inforu, inforu_sandbox, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    code, _, err = inforu(*CALL)
    assert (code, "Use --yes" in err) == (2, True)
    assert called(inforu_sandbox) == []


@pytest.mark.parametrize("phone", ["", "123", "05000000001", "+14155550100", "grandma"])
def test_what_is_no_phone_is_wrong_usage_and_not_repeated(inforu, inforu_sandbox, phone):
    code, out, err = inforu("call", phone, "x", "--yes", "-o", "json")
    assert (code, json.loads(out)["outcome"], err.count("\n")) == (2, "not_called", 1)
    assert "nobody was called" in err
    assert not phone or phone not in out + err
    assert inforu_sandbox.requests() == []


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_wrong_usage(inforu, inforu_sandbox, text):
    code, _, err = inforu("call", PHONE, text, "--yes")
    assert (code, "the text is empty" in err) == (2, True)
    assert inforu_sandbox.requests() == []


def test_what_the_vendor_refuses_called_nobody(inforu, inforu_sandbox):
    inforu_sandbox.add_fault("status", status_id=-13)
    code, out, err = inforu(*CALL, "--yes", "-o", "json")
    assert (code, json.loads(out)["outcome"]) == (1, "not_called")
    assert "nobody was called: Inforu refused" in err
    assert PHONE not in out + err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((PHONE, "x", "--conn-id", "nope", "--yes"), 1),
        ((PHONE, "x"), 2),  # nobody to ask
        ((PHONE, " ", "--yes"), 2),
    ],
)
def test_programs_are_told_of_each_end_without_a_call(inforu, inforu_sandbox, monkeypatch, arguments, code):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    ended, out, err = inforu("call", *arguments, "-o", "json")
    said = json.loads(out)
    assert (ended, said["outcome"], said["send_id"]) == (code, "not_called", None)
    assert said["reason"] in err
    assert inforu_sandbox.requests() == []


@pytest.mark.parametrize("fault", ["drop", "accept_then_drop", "accept_then_error", "garbage"])
def test_where_no_answer_comes_it_is_not_known_whether_it_rings(inforu, inforu_sandbox, fault):
    inforu_sandbox.add_fault(fault)
    code, out, err = inforu(*CALL, "--yes", "-o", "json")
    assert (code, json.loads(out)["outcome"]) == (3, "not_known")
    assert "unknown whether the phone rings" in err
    assert err.count("Check the campaigns in the Inforu portal before you") == 1
    assert PHONE not in out + err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError(PHONE)])
def test_who_stops_it_in_the_middle_is_told_that_it_may_ring(inforu, monkeypatch, error):
    def stop(*_, **__):
        raise error

    monkeypatch.setattr(InforuHook, "send_text_to_speech", stop)
    code, _, err = inforu(*CALL, "--yes")
    assert (code, "unknown whether the phone rings" in err) == (3, True)
    assert PHONE not in err


STOPPED = """
import signal, sys, time
from argparse import Namespace
from airflow_provider_inforu.cli.call import call
from airflow_provider_inforu.hooks.inforu import InforuHook

def send(*_):
    print("sending", flush=True)
    time.sleep(60)

InforuHook.send_text_to_speech = send
signal.signal(int(sys.argv[1]), signal.SIG_DFL)  # a shell may have ignored it
call(Namespace(phone="0500000001", text="x", conn_id="inforu_default", yes=True, output="json"))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_however_often_signals_stop_it_in_the_middle_it_is_told_that_it_may_ring(number):
    command = [sys.executable, "-c", STOPPED, str(int(number))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while "sending" not in process.stdout.readline():
            assert process.poll() is None
        while process.poll() is None:
            process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out.count('"outcome": "not_known"')) == (3, 1)
    assert "unknown whether the phone rings: the request was interrupted (you stopped it)" in err


def test_after_the_call_signals_have_their_usual_effect(inforu, inforu_sandbox):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    assert inforu(*CALL, "--yes")[0] == 0
    assert len(called(inforu_sandbox)) == 1
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_signal_while_an_error_is_explained_does_not_say_that_nobody_was_called(
    inforu, inforu_sandbox, monkeypatch
):
    def stop(*_):
        raise KeyboardInterrupt

    inforu_sandbox.add_fault("accept_then_drop")
    monkeypatch.setattr(call, "_explain_error", stop)
    code, out, _ = inforu(*CALL, "--yes", "-o", "json")
    assert (code, json.loads(out)["outcome"]) == (3, "not_known")


class Deaf(io.StringIO):
    """A stdout that nobody reads."""

    def __init__(self, method, error):
        super().__init__()
        setattr(self, method, self.fail)
        self.error = error

    def fail(self, *_):
        raise self.error


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("method", ["write", "flush"])
@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (None, 3, "accepted: the phone rings (send "),
        ("accept_then_drop", 3, "unknown whether the phone rings"),
        ("status", 1, "nobody was called: Inforu refused"),
    ],
)
def test_what_cannot_be_printed_changes_nothing_about_what_became_of_the_call(
    inforu, inforu_sandbox, monkeypatch, output, method, error, fault, code, words
):
    if fault:
        inforu_sandbox.add_fault(fault, **({"status_id": -13} if fault == "status" else {}))
    monkeypatch.setattr(sys, "stdout", Deaf(method, error))
    ended, _, err = inforu(*CALL, "--yes", "-o", output)
    assert (ended, words in err) == (code, True)
    assert ("nobody was called" in err) == (code == 1)
    assert len(called(inforu_sandbox)) == int(code == 3)


@pytest.mark.long
def test_the_exit_code_of_the_process_says_so_too(inforu_sandbox):
    command = [sys.executable, "-m", "airflow", "inforu", *CALL, "--yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, "accepted: the phone rings" in err) == (3, True), err
    assert len(called(inforu_sandbox)) == 1
