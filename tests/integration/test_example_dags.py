"""The example DAGs on a real Airflow, against the sandbox."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import PROJECT

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = pytest.mark.integration

MANIFEST_FIELDS = {
    "send_id",
    "function",
    "recipients",
    "accepted",
    "rejected",
    "in_doubt",
    "skipped",
    "campaign_ids",
    "requests",
    "calls",
}


def appointments() -> list[dict[str, str]]:
    path = PROJECT / "example_dags" / "data" / "appointments.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def local(phone: str) -> str:
    return "0" + re.sub(r"\D", "", phone)[-9:]


def assert_manifest_of_one_request(manifest: dict[str, Any], function: str, people: int) -> None:
    assert set(manifest) == MANIFEST_FIELDS
    (request,) = manifest["requests"]
    assert manifest["function"] == function
    assert (manifest["recipients"], manifest["accepted"]) == (people, people)
    assert (manifest["rejected"], manifest["in_doubt"], manifest["skipped"]) == (0, 0, 0)
    assert manifest["campaign_ids"] == [request["campaign_id"]]
    assert request["calls"] == people
    assert request["request_token"]
    assert manifest["calls"] is None


def test_the_reminders_call_every_person_of_the_file_once_with_their_own_words(fresh_ground: Ground) -> None:
    run = fresh_ground.run("appointment_reminders")

    assert run.state == "success"
    send_id = fresh_ground.manifest(run)["send_id"]
    called = {
        call["message_id"]: (call["phone"], call["text"], call["function"])
        for call in fresh_ground.sandbox.calls()
    }
    assert called == {
        f"{send_id}-{row['appointment_id']}": (
            local(row["phone"]),
            f"שלום {row['name']}, תזכורת לתור ביום {row['day']} בשעה {row['time']}. לאישור הקישו 1.",
            "Voice/Message/Send",
        )
        for row in appointments()
    }
    assert len(fresh_ground.sandbox.calls()) == len(appointments())
    assert len(fresh_ground.sandbox.requests()) == 1


def test_the_reminders_hand_on_a_manifest_and_a_report_without_phones(fresh_ground: Ground) -> None:
    run = fresh_ground.run("appointment_reminders")

    manifest = fresh_ground.manifest(run)
    assert_manifest_of_one_request(manifest, "Voice/Message/Send", len(appointments()))
    assert "50000" not in str(manifest)
    report = fresh_ground.manifest(run, "report")
    assert report == {
        "recipients": len(appointments()),
        "accepted": len(appointments()),
        "rejected": 0,
        "in_doubt": 0,
        "skipped": 0,
    }


def test_the_rendered_fields_of_the_call_show_how_many_people_and_no_phone(fresh_ground: Ground) -> None:
    run = fresh_ground.run("appointment_reminders")

    fields = fresh_ground.task(run)["rendered_fields"]
    assert str(len(appointments())) in str(fields["recipients"])
    assert "50000" not in str(fields)
    assert "050-" not in str(fields)


def test_the_existing_campaign_calls_the_people_of_the_day_with_the_campaign_of_the_params(
    fresh_ground: Ground,
) -> None:
    run = fresh_ground.run("existing_campaign", campaign_id=183)

    assert run.state == "success"
    manifest = fresh_ground.manifest(run)
    assert_manifest_of_one_request(manifest, "Voice/Campaign/SendExisting", 3)
    assert manifest["campaign_ids"] == [183]
    # The DAG has a schedule of its own, which may come due beside this run.
    called = sorted(
        (call["message_id"], call["phone"], call["text"])
        for call in fresh_ground.sandbox.calls()
        if call["message_id"].startswith(manifest["send_id"])
    )
    assert called == [
        (f"{manifest['send_id']}-C-17", "0500000001", None),
        (f"{manifest['send_id']}-C-18", "0500000002", None),
        (f"{manifest['send_id']}-C-19", "0500000003", None),
    ]
