"""The counts that a task stores for the page of calls when it ends."""

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.ledger.ledger_keys import COUNTS_KEY
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

RECIPIENTS = [f"05{number:08}" for number in range(1, 251)]


def call(**arguments):
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=[*RECIPIENTS, RECIPIENTS[0]],
            message="hello",
            max_in_flight=1,
            retries=2,
            **arguments,
        )


def counts(runner):
    stored = runner.xcoms[COUNTS_KEY]
    return {name: number for name, number in stored.items() if name != "send_id" and number}


@pytest.mark.usefixtures("sandbox")
def test_a_finished_send_stores_its_counts(runner):
    assert runner.run(call()) == "success"
    assert counts(runner) == {"recipients": 250, "accepted": 250, "skipped": 1}
    assert runner.xcoms[COUNTS_KEY]["send_id"] == runner.xcoms["return_value"]["send_id"]


def test_a_failed_send_stores_who_is_in_doubt(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call()) == "failed"
    assert counts(runner) == {"recipients": 250, "accepted": 150, "in_doubt": 100, "skipped": 1}


def test_a_stopped_send_stores_who_was_not_called(runner, sandbox):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(call()) == "up_for_retry"
    assert counts(runner) == {"recipients": 250, "accepted": 100, "not_sent": 150, "skipped": 1}


@pytest.mark.usefixtures("sandbox")
def test_the_counts_are_no_evidence_of_a_send(runner):
    runner.xcoms[COUNTS_KEY] = {"send_id": "0" * 16, "recipients": 250, "accepted": 250}
    assert runner.run(call(), try_number=2) == "success"
    assert counts(runner)["accepted"] == 250
