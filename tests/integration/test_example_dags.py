"""The example DAGs on a real Airflow, against the sandbox."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import PROJECT
from tests.integration.ground import NEVER

if TYPE_CHECKING:
    from tests.integration.ground import Ground, Run

pytestmark = pytest.mark.integration

MESSAGE = "שלום {name}, תזכורת לתור ביום {day} בשעה {time}. לאישור הקישו 1, לביטול הקישו 2."
MANIFEST_FIELDS = {
    "send_id",
    "function",
    "inforu_conn_id",
    "recipients",
    "accepted",
    "rejected",
    "in_doubt",
    "skipped",
    "campaign_ids",
    "already_sent_at",
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
    assert (manifest["function"], manifest["inforu_conn_id"]) == (function, "inforu_default")
    assert (manifest["recipients"], manifest["accepted"]) == (people, people)
    assert (manifest["rejected"], manifest["in_doubt"], manifest["skipped"]) == (0, 0, 0)
    assert manifest["campaign_ids"] == [request["campaign_id"]]
    assert request["calls"] == people
    assert request["request_token"]
    assert manifest["calls"] is None


def run_reminders(ground: Ground) -> Run:
    run = ground.run("appointment_reminders", minutes_between_calls=0)
    assert run.state == "success"
    return run


def calls_of(ground: Ground, send_id: str) -> dict[str, dict[str, Any]]:
    calls = [call for call in ground.sandbox.calls() if call["message_id"].startswith(send_id)]
    by_key = {call["message_id"].removeprefix(f"{send_id}-"): call for call in calls}
    assert len(by_key) == len(calls)
    return by_key


@pytest.mark.main_flow
@pytest.mark.parametrize(
    "ground", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_the_reminders_call_everybody_once_and_those_who_did_not_answer_once_more(
    fresh_ground: Ground,
) -> None:
    run = run_reminders(fresh_ground)

    first = calls_of(fresh_ground, fresh_ground.manifest(run)["send_id"])
    assert {key: (call["phone"], call["text"], call["function"]) for key, call in first.items()} == {
        row["appointment_id"]: (
            local(row["phone"]),
            MESSAGE.format(**row),
            "Voice/Message/Send",
        )
        for row in appointments()
    }
    second = calls_of(fresh_ground, fresh_ground.manifest(run, "call_again")["send_id"])
    assert set(second) == {key for key, call in first.items() if call["status"] != "Answered"}
    assert second
    assert len(fresh_ground.sandbox.requests()) == 2


def test_the_reminders_act_on_the_pressed_key_and_hand_on_how_the_calls_ended_without_phones(
    fresh_ground: Ground,
) -> None:
    run = run_reminders(fresh_ground)

    manifest = fresh_ground.manifest(run)
    calls = calls_of(fresh_ground, manifest["send_id"])
    again = calls_of(fresh_ground, fresh_ground.manifest(run, "call_again")["send_id"])
    summary = manifest.pop("calls")
    assert_manifest_of_one_request({**manifest, "calls": None}, "Voice/Message/Send", len(appointments()))
    assert summary["by_status"] == Counter(call["status"] for call in calls.values())
    answers = fresh_ground.manifest(run, "read_answers")
    for name, digit in (("confirmed", "1"), ("cancelled", "2")):
        assert set(answers[name]) == {key for key, call in calls.items() if call["digit"] == digit}
    states = {one["task_id"]: one["state"] for one in fresh_ground.tasks(run)}
    assert states["free_the_times"] == ("success" if answers["cancelled"] else "skipped")
    assert fresh_ground.manifest(run, "report") == {
        "recipients": len(appointments()),
        "accepted": len(appointments()),
        "first_call": summary["by_status"],
        "second_call": Counter(call["status"] for call in again.values()),
    }
    assert "5000000" not in str((manifest, summary, answers))


def test_the_rendered_fields_of_the_call_show_how_many_people_and_no_phone(fresh_ground: Ground) -> None:
    run = run_reminders(fresh_ground)

    fields = fresh_ground.task(run)["rendered_fields"]
    assert str(len(appointments())) in str(fields["recipients"])
    assert "5000000" not in str(fields)
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


def states_of(ground: Ground, run: Run) -> dict[str, str]:
    return {one["task_id"]: one["state"] for one in ground.tasks(run)}


def people_called(ground: Ground) -> list[tuple[str, str]]:
    calls = sorted(ground.sandbox.calls(), key=lambda call: call["accepted_at"])
    return [(call["message_id"].rsplit("-", 1)[-1], call["text"]) for call in calls]


def test_the_escalation_stops_at_the_person_who_pressed_the_key(fresh_ground: Ground) -> None:
    run = fresh_ground.run("on_call", what="The load is late")

    assert run.state == "success"
    heard = "The load is late. To take it, press 1."
    assert people_called(fresh_ground) == [("first", heard), ("second", heard)]
    states = states_of(fresh_ground, run)
    assert (states["call_3"], states["give_up"]) == ("skipped", "skipped")


def test_the_escalation_fails_when_nobody_takes_it_and_goes_on_after_a_call_that_cannot_be_made(
    fresh_ground: Ground,
) -> None:
    rota = fresh_ground.airflow.settings.dags_folder / "data" / "on_call.csv"
    people = rota.read_text()
    rota.write_text("name,phone\nwrong,12\nlast,0500000004\n")
    try:
        run = fresh_ground.run("on_call")
    finally:
        rota.write_text(people)

    assert run.state == "failed"
    assert [key for key, _ in people_called(fresh_ground)] == ["last"]
    states = states_of(fresh_ground, run)
    assert (states["call_1"], states["call_2"], states["give_up"]) == ("failed", "success", "failed")


def shards_of(ground: Ground, run: Run) -> list[dict[str, Any]]:
    """Return what the mapped tasks pushed, one manifest for each shard."""
    api = ground.airflow.api
    calling = [one for one in ground.tasks(run) if one["task_id"] == "call" and one["state"] == "success"]
    manifests = [api.xcom(run.dag_id, run.run_id, "call", map_index=one["map_index"]) for one in calling]
    return [manifest for manifest in manifests if isinstance(manifest, dict)]


def test_the_sharded_campaign_calls_everybody_once_in_a_send_for_each_shard_and_adds_them_up(
    fresh_ground: Ground,
) -> None:
    run = fresh_ground.run("sharded_campaign", last_customer=250)

    assert run.state == "success"
    manifests = shards_of(fresh_ground, run)
    assert [manifest["accepted"] for manifest in manifests] == [100, 100, 50]
    called = [calls_of(fresh_ground, manifest["send_id"]) for manifest in manifests]
    assert [set(calls) for calls in called] == [
        {str(key) for key in keys} for keys in (range(1, 101), range(101, 201), range(201, 251))
    ]
    assert len({call["phone"] for calls in called for call in calls.values()}) == 250
    assert fresh_ground.manifest(run, "add_up") == {
        "recipients": 250,
        "accepted": 250,
        "rejected": 0,
        "in_doubt": 0,
        "skipped": 0,
    }


def test_the_sharded_campaign_fails_when_people_of_one_shard_are_in_doubt_and_counts_them(
    fresh_ground: Ground,
) -> None:
    fresh_ground.sandbox.inject("accept_then_drop")
    # A call that reports its end in time settles the doubt.
    fresh_ground.sandbox.change_settings(notification_delay=NEVER)

    run = fresh_ground.run("sharded_campaign", last_customer=250)

    assert run.state == "failed"
    total = fresh_ground.manifest(run, "add_up")
    assert total["recipients"] == total["accepted"] + total["in_doubt"] == 250
    assert total["in_doubt"] in (50, 100)
    assert len({call["phone"] for call in fresh_ground.sandbox.calls()}) == 250


OPEN = "00:00-24:00"
OVERDUE = {
    "C-101": (
        "0500000001",
        "שלום דנה לוי, חשבון על סך 120 שקלים ו-50 אגורות היה לתשלום עד 3 בספטמבר 2026 וטרם שולם.",
    ),
    "C-102": (
        "0500000002",
        "שלום יוסי כהן, חשבון על סך 99 שקלים ו-90 אגורות היה לתשלום עד 12 בינואר 2026 וטרם שולם.",
    ),
    "C-105": ("0500000006", "שלום נועה פרץ, חשבון על סך שקל אחד היה לתשלום עד 10 במאי 2026 וטרם שולם."),
}
"""Not who has paid, has time left, or does not want to be called."""


def test_the_overdue_are_called_once_with_what_they_owe_but_for_those_who_do_not_want_to_be_called(
    fresh_ground: Ground,
) -> None:
    run = fresh_ground.run("overdue_invoices", sending_window=OPEN)

    assert run.state == "success"
    manifest = fresh_ground.manifest(run)
    called = calls_of(fresh_ground, manifest["send_id"])
    assert {key: (call["phone"], call["text"]) for key, call in called.items()} == OVERDUE
    assert len(fresh_ground.sandbox.calls()) == len(OVERDUE)
    assert (manifest["recipients"], manifest["accepted"], manifest["skipped"]) == (4, 3, 1)
    log = "".join(fresh_ground.task_logs(run).values())
    assert "skipped: suppressed (key C-104)" in log
    assert "5000000" not in log + str(fresh_ground.task(run)["rendered_fields"])


def test_a_dry_run_of_the_overdue_shows_what_they_would_hear_and_reaches_no_function_of_the_vendor(
    fresh_ground: Ground,
) -> None:
    run = fresh_ground.run("overdue_invoices", dry_run=True)

    assert run.state == "success"
    assert fresh_ground.sandbox.requests() == []
    assert fresh_ground.manifest(run) == {
        "dry_run": True,
        "send_id": None,
        "function": "Voice/Message/Send",
        "inforu_conn_id": "inforu_default",
        "recipients": 4,
        "accepted": 0,
        "rejected": 0,
        "in_doubt": 0,
        "skipped": 1,
        "campaign_ids": [],
        "requests": [],
        "calls": None,
        "already_sent_at": None,
        "would_call": 3,
        "would_request": 1,
    }
    log = "".join(fresh_ground.task_logs(run).values())
    for key, (_, text) in OVERDUE.items():
        assert f"dry run: {key} would hear: {text}" in log


def test_the_people_whom_a_function_makes_of_parcels_are_called_once(fresh_ground: Ground) -> None:
    run = fresh_ground.run("parcels")

    assert run.state == "success"
    assert_manifest_of_one_request(fresh_ground.manifest(run), "Voice/Message/Send", 2)
    called = calls_of(fresh_ground, fresh_ground.manifest(run)["send_id"])
    assert {key: (call["phone"], call["text"]) for key, call in called.items()} == {
        "4711": (
            "0500000001",
            "שלום דנה לוי, חבילה 4 7 1 1 תגיע ביום חמישי, 3 בספטמבר 2026, אחרי 15:05.",
        ),
        "4712": (
            "0500000002",
            "שלום יוסי כהן, חבילה 4 7 1 2 תגיע ביום חמישי, 3 בספטמבר 2026, אחרי 16:30.",
        ),
    }
    assert "5000000" not in "".join(fresh_ground.task_logs(run).values())
