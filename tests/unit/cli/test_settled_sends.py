"""What the operators make of a ledger that a person has settled, through Airflow's task runner."""

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)
from tests.task_runner import TaskRunner


@pytest.fixture
def sandbox(connection, inforu_sandbox):
    inforu_sandbox.update_settings(requests_per_second=0)
    connection(requests_per_second=0)
    return inforu_sandbox


@pytest.fixture(autouse=True)
def object_storage(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", f"file://{tmp_path}/ledgers")


def send(runner, try_number, **arguments):
    people = [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, 251)]
    with DAG("dag"):
        task = InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=people,
            message="שלום",
            key_field="id",
            retries=2,
            max_in_flight=1,
            **arguments,
        )
    return runner.run(task, try_number=try_number)


def phones(sandbox):
    return [call["phone"] for call in sandbox.calls()]


def test_people_who_were_called_and_are_accepted_by_hand_are_not_called_again(run, sandbox):
    runner = TaskRunner()
    sandbox.add_fault("accept_then_drop")
    assert send(runner, 1) == "failed"
    assert send(runner, 2) == "failed"
    assert run("resolve", "--accept", "--yes")[0] == 0
    assert send(runner, 3) == "success"
    manifest = runner.xcoms["return_value"]
    assert (manifest["accepted"], manifest["in_doubt"], manifest["rejected"]) == (250, 0, 0)
    assert len(sandbox.requests()) == 3
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250


def test_people_who_were_not_called_and_are_resent_by_hand_are_called_once(run, sandbox):
    runner = TaskRunner()
    sandbox.add_fault("drop")
    assert send(runner, 1) == "failed"
    assert len(phones(sandbox)) in (150, 200)
    assert run("resolve", "--resend", "--yes")[0] == 0
    assert send(runner, 2) == "success"
    assert run("show", "-o", "json")[0] == 0
    assert send(runner, 3) == "success"
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250


def test_batches_are_settled_one_by_one(run, sandbox):
    runner = TaskRunner()
    sandbox.add_fault("accept_then_drop")
    sandbox.add_fault("drop")
    assert send(runner, 1) == "failed"
    assert run("resolve", "--accept", "--batches", "1", "--yes")[0] == 0
    assert run("resolve", "--resend", "--batches", "2", "--yes")[0] == 0
    assert send(runner, 2) == "success"
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250


def send_copy(runner, try_number):
    with DAG("dag"):
        task = InforuSendExistingCampaignOperator(
            task_id="call",
            recipients=[f"05{number:08}" for number in range(1, 251)],
            campaign_id=183,
            duplicate=True,
            retries=2,
        )
    return runner.run(task, try_number=try_number)


def test_a_first_batch_that_was_to_copy_the_campaign_and_is_accepted_by_hand_stops_the_others(
    run, sandbox, capsys
):
    runner = TaskRunner()
    sandbox.add_fault("accept_then_drop")
    send_copy(runner, 1)
    assert run("resolve", "--accept", "--yes")[0] == 0
    assert send_copy(runner, 2) != "success"
    assert "no ID of the copy" in capsys.readouterr().out
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 100


def test_when_the_person_names_the_copy_the_others_are_called_with_it(run, sandbox):
    runner = TaskRunner()
    sandbox.add_fault("accept_then_drop")
    send_copy(runner, 1)
    copy = str(sandbox.calls()[0]["campaign_id"])
    assert run("resolve", "--accept", "--campaign-id", copy, "--yes")[0] == 0
    assert send_copy(runner, 2) == "success"
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250
    assert {str(call["campaign_id"]) for call in sandbox.calls()} == {copy}
    assert runner.xcoms["return_value"]["campaign_ids"] == [int(copy)]
