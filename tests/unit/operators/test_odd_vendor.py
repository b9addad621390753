"""A task ends with a state in Airflow's task runner, however odd its vendor's answers are."""

import json
from datetime import timedelta

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from tests.raw_vendor import accept, raw_vendor, response

ODD = "\ud800\x1b]0;title\x07"


@pytest.fixture
def send(runner, monkeypatch):
    """Run a send to so many people; return the state of its task."""

    def run(vendor, count, **kwargs):
        fields = {"host": vendor.url, "login": "u", "password": "t", "extra": {"timeout": 300}}
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", json.dumps({"conn_type": "inforu", **fields}))
        with DAG("dag"):
            task = InforuSendTextToSpeechOperator(
                task_id="call",
                recipients=[
                    {"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, count + 1)
                ],
                message="שלום",
                key_field="id",
                retries=2,
                max_in_flight=1,
                **kwargs,
            )
        return runner.run(task)

    return run


def test_a_task_whose_vendor_trickles_for_ever_ends_by_its_execution_timeout(send, capsys):
    def respond(connection, _request):
        if len(vendor.requests) == 2:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not vendor.ended.wait(0.2):
                connection.sendall(b"x")
        connection.sendall(accept("token"))

    with raw_vendor(respond) as vendor:
        assert send(vendor, 300, execution_timeout=timedelta(seconds=3)) == "up_for_retry"
        assert not vendor.ended.is_set()
    log = capsys.readouterr().out
    assert "in doubt" in log
    assert "k101" in log
    assert "k100," not in log
    assert len(vendor.requests) == 2


def test_a_request_token_of_odd_characters_is_stored_as_escapes(send, runner):
    with raw_vendor(lambda connection, _: connection.sendall(accept(ODD))) as vendor:
        assert send(vendor, 1) == "success"
    assert r"\ud800\x1b]0;title\x07" in json.dumps(runner.xcoms["return_value"]).replace("\\\\", "\\")


def test_a_refusal_in_odd_characters_fails_the_task_and_is_shown_as_escapes(send, capsys):
    refusal = response({"StatusId": -18, "StatusDescription": ODD}, 403)
    with raw_vendor(lambda connection, _: connection.sendall(refusal)) as vendor:
        assert send(vendor, 1) == "failed"
    log = capsys.readouterr().out
    assert r"\ud800\x1b]0;title\x07" in log.replace("\\\\", "\\")
    assert "]0;title\x07" not in log
