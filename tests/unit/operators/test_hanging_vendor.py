"""A task whose vendor trickles its answers for ever ends by its own timeout, in Airflow's task runner."""

import json
from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from tests.raw_vendor import accept, raw_vendor

PEOPLE = [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, 301)]


def test_a_task_ends_by_its_execution_timeout_and_reports_its_state(runner, monkeypatch, capsys):
    def respond(connection, _request):
        if len(vendor.requests) == 2:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not vendor.ended.wait(0.2):
                connection.sendall(b"x")
        connection.sendall(accept("token"))

    with raw_vendor(respond) as vendor, DAG("dag"):
        monkeypatch.setenv(
            "AIRFLOW_CONN_INFORU_DEFAULT",
            json.dumps(
                {
                    "conn_type": "inforu",
                    "host": vendor.url,
                    "login": "u",
                    "password": "t",
                    "extra": {"timeout": 300},
                }
            ),
        )
        task = InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=PEOPLE,
            message="שלום",
            key_field="id",
            retries=2,
            max_in_flight=1,
            execution_timeout=timedelta(seconds=3),
        )
        assert runner.run(task) == "up_for_retry"
        assert not vendor.ended.is_set()
    log = capsys.readouterr().out
    assert "in doubt" in log
    assert "k101" in log
    assert "k100," not in log
    assert len(vendor.requests) == 2
