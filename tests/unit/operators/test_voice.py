"""Both operators through Airflow's real task runner, against the sandbox."""

import json
import re

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_inforu.capi.voice import SEND_EXISTING_CAMPAIGN, SEND_TEXT_TO_SPEECH
from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)
from airflow_provider_inforu.sending.dispatch import SendStoppedError
from tests.task_runner import TaskRunner


@pytest.fixture
def sandbox(connection, inforu_sandbox):
    inforu_sandbox.update_settings(requests_per_second=0)
    connection(requests_per_second=0)
    return inforu_sandbox


@pytest.fixture
def runner():
    return TaskRunner()


pytestmark = pytest.mark.usefixtures("sandbox")


def people(count):
    return [{"id": f"k{number}", "phone": f"05{number:08}", "name": "דנה"} for number in range(1, count + 1)]


def text_to_speech(recipients, *, retries=2, message="שלום {name}", key_field="id", **kwargs):
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=recipients,
            message=message,
            key_field=key_field,
            retries=retries,
            **kwargs,
        )


def existing(recipients, *, campaign_id=183, **kwargs):
    with DAG("dag"):
        return InforuSendExistingCampaignOperator(
            task_id="call",
            recipients=recipients,
            campaign_id=campaign_id,
            key_field="id",
            retries=2,
            **kwargs,
        )


def bodies(sandbox):
    return [request["body"]["Data"] for request in sandbox.requests()]


def log_of(capsys):
    return capsys.readouterr().out


def test_each_recipient_is_called_once_with_their_own_text(runner, sandbox):
    assert runner.run(text_to_speech(people(3))) == "success"
    send_id = runner.xcoms["return_value"]["send_id"]
    called = {call["message_id"]: (call["phone"], call["text"]) for call in sandbox.calls()}
    assert called == {f"{send_id}-k{n}": (f"050000000{n}", "שלום דנה") for n in (1, 2, 3)}


def test_the_manifest_is_as_designed(runner, sandbox):
    runner.run(text_to_speech([*people(2), {"id": "again", "phone": "+972 50 000 0001", "name": "x"}]))
    token = sandbox.calls()[0]["request_token"]
    campaign = sandbox.calls()[0]["campaign_id"]
    manifest = runner.xcoms["return_value"]
    assert re.fullmatch("[0-9a-f]{16}", manifest.pop("send_id"))
    assert manifest == {
        "function": SEND_TEXT_TO_SPEECH,
        "recipients": 3,
        "accepted": 2,
        "rejected": 0,
        "in_doubt": 0,
        "skipped": 1,
        "campaign_ids": [campaign],
        "requests": [{"request_token": token, "campaign_id": campaign, "calls": 2}],
        "calls": None,
    }


def test_250_people_make_requests_of_100_100_and_50(runner, sandbox):
    assert runner.run(text_to_speech(people(250))) == "success"
    assert [len(body["List"]) for body in bodies(sandbox)] == [100, 100, 50]
    assert len({call["phone"] for call in sandbox.calls()}) == 250
    assert len(runner.xcoms["return_value"]["requests"]) == 3


def test_an_empty_list_sends_nothing_and_succeeds_with_zeros(runner, sandbox):
    assert runner.run(text_to_speech([])) == "success"
    manifest = runner.xcoms["return_value"]
    counts = [manifest[name] for name in ("recipients", "accepted", "rejected", "in_doubt", "skipped")]
    assert counts == [0, 0, 0, 0, 0]
    assert (manifest["requests"], manifest["campaign_ids"]) == ([], [])
    assert sandbox.requests() == []


def test_phones_alone_are_called_and_named_by_row_number(runner, sandbox):
    with DAG("dag"):
        task = InforuSendExistingCampaignOperator(
            task_id="call", recipients=["050-000-0001", "0500000002"], campaign_id="183"
        )
    assert runner.run(task) == "success"
    send_id = runner.xcoms["return_value"]["send_id"]
    assert {call["message_id"] for call in sandbox.calls()} == {f"{send_id}-1", f"{send_id}-2"}


def test_the_message_is_rendered_by_airflow_once_and_by_field_for_each_person(runner, sandbox):
    runner.run(text_to_speech(people(1), message="{{ dag_run.run_id }}: {name}"))
    assert sandbox.calls()[0]["text"] == "run: דנה"


def test_a_recipients_field_is_never_rendered_as_a_template_of_airflows(runner, sandbox):
    """What an upstream task produced arrives as it is; only what the DAG file wrote is a template."""
    task = text_to_speech(None)
    task.recipients = Resolved([{"id": "k1", "phone": "0500000001", "name": "{{ conn.inforu_default }}"}])
    runner.run(task)
    assert sandbox.calls()[0]["text"] == "שלום {{ conn.inforu_default }}"


class Resolved:
    """An upstream task's output as Airflow resolves it."""

    def __init__(self, value):
        self.value = value

    def resolve(self, _context):
        return self.value


def test_rendered_fields_show_a_count_instead_of_people(runner):
    runner.run(text_to_speech(people(3)))
    assert runner.rendered["recipients"] == "<3 recipients>"
    assert "0500000001" not in json.dumps(runner.rendered)


@pytest.mark.parametrize(("rows", "shown"), [([], "<0 recipients>"), (["0500000001"], "<1 recipient>")])
def test_rendered_fields_count_any_list(runner, rows, shown):
    runner.run(text_to_speech(rows, key_field=None, message="hello"))
    assert runner.rendered["recipients"] == shown


@pytest.mark.parametrize("rows", ["0500000001", {"phone": "0500000001"}])
def test_rendered_fields_show_no_phone_even_of_what_is_no_list(runner, rows):
    assert runner.run(text_to_speech(rows)) == "up_for_retry"
    assert runner.rendered["recipients"] == f"<recipients: {type(rows).__name__}>"


def test_campaign_options_travel_beside_the_list(runner, sandbox):
    runner.run(
        text_to_speech(
            people(1),
            campaign_name="Reminders",
            campaign_ref_id="r-1",
            ignore_possible_sending_time=True,
            data_options={"Priority": 3},
            call_options={"Language": "he-female"},
        )
    )
    (body,) = bodies(sandbox)
    assert body.pop("List")[0]["Language"] == "he-female"
    assert body == {
        "CampaignName": "Reminders",
        "CampaignRefId": "r-1",
        "IgnorePossibleSendingTime": True,
        "Priority": 3,
    }


def test_a_campaign_name_without_an_id_lands_in_one_campaign(runner, sandbox):
    runner.run(text_to_speech(people(150), campaign_name="Reminders"))
    manifest = runner.xcoms["return_value"]
    assert [body["CampaignRefId"] for body in bodies(sandbox)] == [manifest["send_id"]] * 2
    assert len(manifest["campaign_ids"]) == 1


def test_without_name_and_id_the_vendors_monthly_campaign_is_used(runner, sandbox):
    runner.run(text_to_speech(people(1)))
    assert set(bodies(sandbox)[0]) == {"List"}


def test_an_existing_campaign_is_sent_as_it_is(runner, sandbox):
    assert runner.run(existing(people(150))) == "success"
    assert [set(body) for body in bodies(sandbox)] == [{"CampaignId", "List"}] * 2
    assert runner.xcoms["return_value"]["function"] == SEND_EXISTING_CAMPAIGN
    assert runner.xcoms["return_value"]["campaign_ids"] == [183]


def test_duplicate_makes_one_copy_however_many_requests(runner, sandbox):
    assert runner.run(existing(people(250), duplicate=True, duplicate_name="Copy")) == "success"
    first, *others = bodies(sandbox)
    (copy,) = runner.xcoms["return_value"]["campaign_ids"]
    assert (first["CampaignId"], first["Duplicate"], first["DuplicateName"]) == ("183", True, "Copy")
    assert [(body["CampaignId"], "Duplicate" in body) for body in others] == [(str(copy), False)] * 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status_id": -18},
        {"kind": "loose_types", "null_data": True},
    ],
)
def test_when_the_copys_campaign_is_not_known_the_others_are_not_sent(runner, sandbox, fault, capsys):
    sandbox.add_fault(**fault)
    runner.run(existing(people(250), duplicate=True))
    assert len(sandbox.requests()) == 1
    assert "150 were not sent: all from key k101 on" in log_of(capsys)


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"message": "hi {nmae}"}, "the message speaks of {nmae}, which the row lacks: k1"),
        ({"message": "hi {"}, "a brace that is not a placeholder"),
        ({"message": None}, "there is no text"),
        ({"message": "  "}, "the text is empty: k1"),
        ({"key_field": "nr"}, "the key is missing"),
        ({"key_field": "phone"}, "key_field is the field of the phone"),
        ({"phone_field": "mobile"}, "the phone is missing: k1"),
        ({"invalid_recipients": "drop"}, "invalid_recipients must be one of fail, skip, not 'drop'"),
        ({"on_duplicate": "once"}, "on_duplicate must be one of skip, send, fail, not 'once'"),
        ({"data_options": {"CampaignName": "x"}}, "data_options may not set CampaignName"),
        ({"inforu_conn_id": "nowhere"}, "nowhere"),
    ],
)
def test_bad_input_is_a_clear_error_before_anything_is_sent(runner, sandbox, kwargs, error, capsys):
    assert runner.run(text_to_speech(people(1), **kwargs)) == "up_for_retry"
    assert sandbox.requests() == []
    log = log_of(capsys)
    assert error in log
    assert "0500000001" not in log


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"campaign_id": ""}, "campaign_id is empty"),
        ({"campaign_id": None}, "campaign_id is empty"),
        ({"duplicate_name": "Copy"}, "duplicate_name names a copy, so it needs duplicate=True"),
    ],
)
def test_bad_input_of_an_existing_campaign_is_a_clear_error(runner, sandbox, kwargs, error, capsys):
    assert runner.run(existing(people(1), **kwargs)) == "up_for_retry"
    assert sandbox.requests() == []
    assert error in log_of(capsys)


def test_a_connection_with_an_unknown_extra_is_an_error_before_anything_is_sent(runner, connection, capsys):
    sandbox = connection(tiemout=3)
    assert runner.run(text_to_speech(people(1))) == "up_for_retry"
    assert sandbox.requests() == []
    assert "unknown field 'tiemout'" in log_of(capsys)


def test_skipped_rows_are_named_and_counted_and_the_others_are_called(runner, capsys):
    rows = [*people(2), {"id": "bad", "phone": "123", "name": "x"}]
    assert runner.run(text_to_speech(rows, invalid_recipients="skip")) == "success"
    manifest = runner.xcoms["return_value"]
    assert (manifest["recipients"], manifest["accepted"], manifest["skipped"]) == (3, 2, 1)
    assert "Recipients that are skipped: 1. the phone is a service number: bad" in log_of(capsys)


def test_an_error_that_proves_that_nobody_was_called_may_be_retried(runner, sandbox):
    sandbox.add_fault("refuse", seconds=60)
    assert runner.run(text_to_speech(people(3))) == "up_for_retry"
    sandbox.reset()
    assert runner.run(text_to_speech(people(3)), try_number=2) == "success"
    assert len(sandbox.calls()) == 3


@pytest.mark.parametrize("kind", ["accept_then_drop", "drop", "accept_then_error", "garbage"])
def test_an_unknown_outcome_is_not_retried_and_names_who_is_in_doubt(runner, sandbox, kind, capsys):
    sandbox.add_fault(kind)
    assert runner.run(text_to_speech(people(3))) == "failed"
    log = log_of(capsys)
    assert "3 are in doubt, they may ring or not: k1, k2, k3" in log
    assert "0500000001" not in log
    assert runner.run(text_to_speech(people(3)), try_number=2) == "failed"
    assert len(sandbox.requests()) == 1


def test_a_send_that_stops_in_the_middle_is_not_retried_and_says_who_was_not_called(runner, sandbox, capsys):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(text_to_speech(people(250))) == "failed"
    log = log_of(capsys)
    assert "stopped at batch 2" in log
    assert "100 calls were accepted before" in log
    assert "150 were not sent: all from key k101 on, in the order of the rows" in log
    assert "Airflow does not retry this task" in log
    assert len(sandbox.calls()) == 100


def test_a_rejected_batch_does_not_keep_the_others_from_being_called(runner, sandbox, capsys):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-18)
    assert runner.run(text_to_speech(people(250))) == "failed"
    manifest = runner.xcoms["return_value"]
    assert (manifest["recipients"], manifest["accepted"], manifest["rejected"]) == (250, 150, 100)
    assert len(sandbox.calls()) == 150
    log = log_of(capsys)
    assert "100 were rejected (Inforu refused Voice/Message/Send: HTTP 403, StatusId -18" in log
    assert "k101, k102" in log
    assert "k200" in log


def test_a_stop_after_a_rejected_batch_names_both(runner, sandbox, capsys):
    sandbox.add_fault("status", status_id=-18)
    sandbox.add_fault("drop")
    assert runner.run(text_to_speech(people(250))) == "failed"
    log = log_of(capsys)
    assert "100 were rejected" in log
    assert "100 are in doubt" in log
    assert "50 were not sent: all from key k201 on" in log


def test_a_send_that_was_rejected_whole_called_nobody_and_may_be_retried(runner, sandbox):
    sandbox.add_fault("status", status_id=-18)
    assert runner.run(text_to_speech(people(3))) == "up_for_retry"
    assert runner.run(text_to_speech(people(3)), try_number=2) == "success"
    assert len(sandbox.calls()) == 3


def test_a_later_try_of_a_send_that_was_made_sends_nothing(runner, sandbox, capsys):
    runner.run(text_to_speech(people(3)))
    send_id = runner.xcoms["return_value"]["send_id"]
    assert runner.run(text_to_speech(people(3)), try_number=2) == "failed"
    assert len(sandbox.calls()) == 3
    assert f"an earlier try of this task made the send {send_id}" in log_of(capsys)


def test_an_attempt_that_airflow_has_given_up_sends_nothing(runner, sandbox):
    runner.stale = True
    assert runner.run(text_to_speech(people(3))) != "success"
    assert sandbox.requests() == []


def without_state_store(task, try_number):
    context = {"ti": type("TaskInstance", (), {"try_number": try_number, "xcom_push": print})()}
    return task.execute(context)


def test_where_airflow_keeps_no_state_the_first_try_sends_and_a_later_one_refuses(sandbox):
    task = text_to_speech(people(3))
    assert without_state_store(task, 1)["accepted"] == 3
    with pytest.raises(AirflowFailException, match="this is try 2, and this version of Airflow keeps no"):
        without_state_store(task, 2)
    assert len(sandbox.calls()) == 3


def test_where_airflow_keeps_no_state_a_first_try_that_reached_nobody_is_an_ordinary_error(sandbox):
    sandbox.add_fault("status", status_id=-2)
    with pytest.raises(SendStoppedError, match="Authentication failed"):
        without_state_store(text_to_speech(people(3)), 1)


def test_the_rate_of_the_connection_is_kept(runner, connection):
    """Twenty a second is what the sandbox takes, and unpaced requests are several times as fast."""
    sandbox = connection(requests_per_second=10)
    sandbox.update_settings(requests_per_second=20)
    assert runner.run(text_to_speech(people(2500))) == "success"
    assert len(sandbox.calls()) == 2500


def test_a_kill_says_that_calls_cannot_be_cancelled(capsys):
    text_to_speech(people(1)).on_kill()
    assert "cannot be cancelled" in log_of(capsys)
