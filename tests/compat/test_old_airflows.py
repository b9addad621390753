"""The provider on Airflow 3.0, 3.1 and 3.2, which keep no state for tasks: with a ledger and without one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from tests.compat.old_airflow import STATUS
from tests.integration.ground import DAG_SECONDS

if TYPE_CHECKING:
    from tests.compat.old_airflow import OldAirflow

pytestmark = pytest.mark.integration

PHONES = [f"05{number:08}" for number in range(1, 251)]
QUOTA = StatusId.CUSTOMER_QUOTA_EXCEEDED
KEYS_OF_SECOND_BATCH = [f"k{number}" for number in range(101, 201)]


def once(phones: list[str]) -> dict[str, int]:
    return dict.fromkeys(phones, 1)


def keys_in_doubt(log: str) -> list[str]:
    """Return the keys that the task's error names."""
    (keys,) = set(re.findall(r"100 are in doubt, they may ring or not: keys ([^(]*) \(", log))
    return str(keys).split(", ")


def test_with_a_ledger_the_retry_goes_on_where_the_quota_stopped_the_first_try(airflow: OldAirflow) -> None:
    airflow.fail_second_request("status", status_id=int(QUOTA))

    run = airflow.run("send_with_ledger")

    assert (run.state, airflow.tries(run)) == ("success", ["failed", "success"])
    assert "100 were accepted. 150 were not sent" in airflow.log(run, 1)
    assert airflow.called() == once(PHONES)
    manifest = airflow.manifest(run)
    assert (manifest["accepted"], manifest["in_doubt"], len(manifest["requests"])) == (250, 0, 3)

    again = airflow.clear(run)

    assert again.state == "success"
    assert airflow.called() == once(PHONES)
    assert airflow.manifest(again) == manifest


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


def test_without_a_ledger_a_first_try_sends_as_the_example_dags_show(airflow: OldAirflow) -> None:
    runs = [airflow.run("appointment_reminders"), airflow.run("existing_campaign")]

    assert airflow.stack.api.import_errors() == []
    assert [(run.state, airflow.tries(run)) for run in runs] == [("success", ["success"])] * 2
    assert [airflow.calls_of(run) for run in runs] == [10, 3]


def test_without_a_ledger_a_try_that_stops_has_no_retry_and_a_later_try_sends_nothing(
    airflow: OldAirflow,
) -> None:
    airflow.fail_second_request("status", status_id=int(QUOTA))

    run = airflow.run("send_without_ledger")

    assert (run.state, airflow.tries(run)) == ("failed", ["failed"])
    log = airflow.log(run, 1)
    assert "100 were accepted. 150 were not sent" in log
    assert "[inforu] ledger_path is not set, so a retry could not tell whom this try called" in log
    assert airflow.called() == once(PHONES[:100])

    again = airflow.clear(run)

    assert (again.state, airflow.tries(run)) == ("failed", ["failed", "failed"])
    log = airflow.log(run, 2)
    assert "AirflowFailException" in log
    assert "nothing was sent: this is try 2, and no ledger could tell whom an earlier try called" in log
    assert airflow.called() == once(PHONES[:100])


def test_calls_are_waited_for_in_the_triggerer_and_in_a_worker(airflow: OldAirflow) -> None:
    # The first look of each of the two finds the calls still ringing.
    airflow.sandbox.inject("status", status_id=int(StatusId.JOB_IN_PROGRESS), function=STATUS, count=2)

    run = airflow.run("send_and_wait")

    assert run.state == "success", airflow.logs(run)
    for task_id in ("wait_in_triggerer", "wait_in_worker"):
        summary = airflow.result(run, task_id)
        assert (summary["send_id"], summary["calls"]) == (airflow.manifest(run)["send_id"], 2)
        assert summary["complete"] is True
    assert "Pausing task as DEFERRED" in airflow.log(run, 1, "wait_in_triggerer")


def test_every_module_can_be_imported(airflow: OldAirflow) -> None:
    airflow.stack.api.wait_for_dag("every_module", DAG_SECONDS)


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
