"""The provider on Airflow 3.0, 3.1 and 3.2, which keep no state for tasks: with a ledger and without one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from demo.processes import wait_until
from tests.compat.old_airflow import EXAMPLES, NEED_NEWER, STATUS

if TYPE_CHECKING:
    from tests.compat.old_airflow import OldAirflow

pytestmark = pytest.mark.integration

PHONES = [f"05{number:08}" for number in range(1, 251)]
QUOTA = StatusId.CUSTOMER_QUOTA_EXCEEDED
KEYS_OF_SECOND_BATCH = [f"k{number}" for number in range(101, 201)]


def once(phones: list[str]) -> dict[str, int]:
    return dict.fromkeys(phones, 1)


def keys_in_doubt(log: str) -> list[str]:
    """Return the keys that the task's log names."""
    assert "100 are in doubt (unknown if called): keys k101 to k200 (batch 2)" in log
    (keys,) = set(re.findall(r"in doubt \(unknown if called\): (k[^(: ]*, [^(]*) \(batch", log))
    return str(keys).split(", ")


def test_with_a_ledger_the_retry_goes_on_where_the_quota_stopped_the_first_try(airflow: OldAirflow) -> None:
    airflow.fail_second_request("status", status_id=int(QUOTA))

    run = airflow.run("send_with_ledger")

    assert (run.state, airflow.tries(run)) == ("success", ["failed", "success"])
    assert "100 recipients were accepted. 150 were not sent" in airflow.log(run, 1)
    assert airflow.called() == once(PHONES)
    manifest = airflow.manifest(run)
    assert (manifest["accepted"], manifest["in_doubt"], len(manifest["requests"])) == (250, 0, 3)
    assert manifest["inforu_conn_id"] == "inforu_default"

    again = airflow.clear(run)

    assert again.state == "success"
    assert airflow.called() == once(PHONES)
    repeated = airflow.manifest(again)
    assert repeated["already_sent_at"]
    assert {**repeated, "already_sent_at": None} == manifest


def test_with_a_ledger_those_whose_answer_was_lost_are_named_and_not_called_again(
    airflow: OldAirflow,
) -> None:
    airflow.fail_second_request("accept_then_drop")

    run = airflow.run("send_with_ledger")
    cleared = airflow.clear(run)

    assert (run.state, cleared.state, airflow.tries(run)) == ("failed", "failed", ["failed", "failed"])
    assert keys_in_doubt(airflow.log(run, 1)) == keys_in_doubt(airflow.log(run, 2)) == KEYS_OF_SECOND_BATCH
    assert airflow.called() == once(PHONES)
    manifest = airflow.manifest(run)
    assert (manifest["accepted"], manifest["in_doubt"]) == (150, 100)
    if airflow.has_commands_of_providers:
        shown = airflow.show_send(run)
        assert shown["send_id"] == manifest["send_id"]
        assert (shown["batches"]["accepted"], shown["in_doubt"]) == (2, [2])


def test_without_a_ledger_a_first_try_sends(airflow: OldAirflow) -> None:
    run = airflow.run("send_without_ledger")

    assert (run.state, airflow.tries(run)) == ("success", ["success"])
    assert airflow.called() == once(PHONES)


def test_an_example_sends(airflow: OldAirflow) -> None:
    run = airflow.run("existing_campaign")

    assert (run.state, airflow.tries(run)) == ("success", ["success"])
    assert airflow.calls_of(run) == 3


def test_the_people_of_a_function_are_called_in_the_sending_window_only(airflow: OldAirflow) -> None:
    run = airflow.run("decorated")

    assert run.state == "success"
    assert airflow.called() == once(PHONES[:3])
    assert airflow.manifest(run)["accepted"] == 3


def test_without_a_ledger_a_try_that_stops_has_no_retry_and_a_later_try_sends_nothing(
    airflow: OldAirflow,
) -> None:
    airflow.fail_second_request("status", status_id=int(QUOTA))

    run = airflow.run("send_without_ledger")

    assert (run.state, airflow.tries(run)) == ("failed", ["failed"])
    log = airflow.log(run, 1)
    assert "100 recipients were accepted. 150 were not sent" in log
    assert "Retries are disabled because this version of Airflow keeps no state for tasks" in log
    assert airflow.called() == once(PHONES[:100])

    again = airflow.clear(run)

    assert (again.state, airflow.tries(run)) == ("failed", ["failed", "failed"])
    log = airflow.log(run, 2)
    assert "AirflowFailException" in log
    assert "This is try 2, and no ledger records the calls of the earlier tries" in log
    assert airflow.called() == once(PHONES[:100])


def test_calls_are_waited_for_in_the_triggerer_and_through_the_receiver(airflow: OldAirflow) -> None:
    airflow.sandbox.change_settings(notification_url=airflow.receiver.push_url)
    # So the first look finds the calls still ringing, and the sensor is deferred.
    airflow.sandbox.inject("status", status_id=int(StatusId.JOB_IN_PROGRESS), function=STATUS)

    run = airflow.run("send_and_wait")

    assert run.state == "success", airflow.logs(run)
    by_status = airflow.result(run, "wait_in_triggerer")
    by_notifications = airflow.result(run, "wait_in_worker")
    for summary in (by_status, by_notifications):
        assert (summary["send_id"], summary["calls"]) == (airflow.manifest(run)["send_id"], 2)
        assert summary["complete"] is True
    assert by_notifications["by_status"] == {"Answered": 2}
    assert "Pausing task as DEFERRED" in airflow.log(run, 1, "wait_in_triggerer")
    assert airflow.receiver.secret not in airflow.api_server_log()


@pytest.mark.parametrize("dag_id", [*sorted(path.stem for path in EXAMPLES.glob("*.py")), "every_module"])
def test_the_examples_and_every_module_are_read_without_an_error(airflow: OldAirflow, dag_id: str) -> None:
    if airflow.version < NEED_NEWER.get(dag_id, ""):
        pytest.skip(f"{dag_id} is for Airflow {NEED_NEWER[dag_id]} and later")
    airflow.stack.api.wait_for_dag(dag_id)
    assert airflow.stack.api.import_errors() == []


def test_a_failing_task_and_a_failing_dag_ring_once_each(airflow: OldAirflow) -> None:
    run = airflow.run("alert")

    assert run.state == "failed"
    assert wait_until(lambda: len(airflow.called()) == 2), airflow.logs(run)
    assert {call["text"] for call in airflow.sandbox.calls() if call["text"]} == {
        "Alert from Airflow. The task fail of the DAG alert has failed.",
        "Alert from Airflow. The DAG alert has failed.",
    }


def test_the_provider_is_found(airflow: OldAirflow) -> None:
    assert "airflow-provider-inforu" in airflow.stack.api.providers()


def test_the_connection_form_shows_our_fields(airflow: OldAirflow) -> None:
    (form,) = [one for one in airflow.stack.api.connection_types() if one["connection_type"] == "inforu"]

    assert form["hook_name"] == "Inforu"
    assert {
        name: field["schema"].get("title") or field["title"] for name, field in form["extra_fields"].items()
    } == {name: field["label"] for name, field in CONNECTION_FIELDS.items()}
    shown = form["standard_fields"]
    assert {name: shown[name]["title"] for name in FIELD_BEHAVIOUR["relabeling"]} == FIELD_BEHAVIOUR[
        "relabeling"
    ]
    assert shown["url_schema"]["hidden"]
