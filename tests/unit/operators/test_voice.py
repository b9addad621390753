"""Both operators through Airflow's real task runner, against the sandbox."""

import json
import os
import re
import signal
import threading
import time
from datetime import timedelta

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_inforu.capi.voice import SEND_EXISTING_CAMPAIGN, SEND_TEXT_TO_SPEECH
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.operators.hidden_rows import HiddenRows, unwrap_rows
from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)
from airflow_provider_inforu.outcomes.decision import Decision, Verdict
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.sending import dispatch, rate_limiter
from airflow_provider_inforu.sending.report import LONGEST_ERROR

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
        "inforu_conn_id": "inforu_default",
        "recipients": 3,
        "accepted": 2,
        "rejected": 0,
        "in_doubt": 0,
        "skipped": 1,
        "campaign_ids": [campaign],
        "requests": [{"request_token": token, "campaign_id": campaign, "calls": 2}],
        "calls": None,
        "already_sent_at": None,
    }


def test_250_people_make_requests_of_100_100_and_50(runner, sandbox):
    assert runner.run(text_to_speech(people(250))) == "success"
    assert sorted(len(body["List"]) for body in bodies(sandbox)) == [50, 100, 100]
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
    task = text_to_speech([])
    task.recipients = Resolved([{"id": "k1", "phone": "0500000001", "name": "{{ conn.inforu_default }}"}])
    runner.run(task)
    assert sandbox.calls()[0]["text"] == "שלום {{ conn.inforu_default }}"


class Resolved:
    """An upstream task's output as Airflow resolves it."""

    def __init__(self, value):
        self.value = value

    def resolve(self, _context):
        return self.value


def test_mapped_tasks_are_sends_of_their_own_and_hide_their_rows_too(runner, sandbox):
    with DAG("dag"):
        mapped = InforuSendTextToSpeechOperator.partial(task_id="call", message="שלום {name}", key_field="id")
        task = mapped.expand(recipients=[people(2), [{"id": "x", "phone": "0500000009", "name": "y"}]])
    assert runner.run(task, map_index=1) == "success"
    assert [call["phone"] for call in sandbox.calls()] == ["0500000009"]
    assert runner.rendered["recipients"] == "<1 row>"


def test_a_wrong_template_in_a_row_is_an_error_that_does_not_show_the_rows(runner, sandbox, capsys):
    rows = [{"id": "k1", "phone": "0500000001", "name": "{{ oops"}]
    assert runner.run(text_to_speech(rows)) == "failed"
    log = log_of(capsys)
    assert "`recipients` is not a valid Jinja template (TemplateSyntaxError). No new calls were placed" in log
    assert "oops" not in log
    assert "0500000001" not in log
    assert sandbox.requests() == []


@pytest.mark.parametrize("name", ["recipients", "suppress"])
def test_an_undefined_variable_in_a_template_of_rows_is_named_and_not_retried(runner, sandbox, capsys, name):
    task = text_to_speech(people(1), **({"suppress": "{{ nope.x }}"} if name == "suppress" else {}))
    if name == "recipients":
        task.recipients = "{{ nope.x }}"
    assert runner.run(task) == "failed"
    expected = (
        f"`{name}` has an undefined Jinja variable ('nope' is undefined). No new calls were placed. Correct"
    )
    assert expected in log_of(capsys)
    assert sandbox.requests() == []


def test_an_undefined_variable_in_a_row_is_not_shown(runner, sandbox, capsys):
    rows = [{"id": "k1", "phone": "0500000001", "name": "{{ Dana }}"}]
    assert runner.run(text_to_speech(rows)) == "failed"
    log = log_of(capsys)
    assert "`recipients` has an undefined Jinja variable (UndefinedError). No new calls were placed" in log
    assert "Dana" not in log
    assert sandbox.requests() == []


def test_a_value_in_the_error_of_a_template_is_not_shown(runner, capsys):
    template = "{% set name = 'Da' ~ 'na' %}{{ {}[name].x }}"
    assert runner.run(text_to_speech(template)) == "failed"
    log = log_of(capsys)
    assert "`recipients` has an undefined Jinja variable (UndefinedError). No new calls were placed" in log
    assert "Dana" not in log


def test_the_name_of_an_undefined_variable_shows_no_phone(runner, capsys):
    assert runner.run(text_to_speech("{{ {}['0500000001'].x }}")) == "failed"
    log = log_of(capsys)
    assert "has no attribute '[phone hidden]'" in log
    assert "0500000001" not in log


@pytest.mark.parametrize("template", ["{{ nope.x }}", "{{ 1 / 0 }}"])
def test_people_in_doubt_are_named_when_a_template_of_rows_fails(runner, sandbox, capsys, template):
    sandbox.add_fault("accept_then_drop")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(text_to_speech(people(150), max_in_flight=1)) == "up_for_retry"
    log_of(capsys)
    task = text_to_speech(people(150))
    task.recipients = template
    assert runner.run(task, try_number=2) != "success"
    assert "in doubt (unknown if called): k1, k2, k3" in log_of(capsys)
    assert len(sandbox.calls()) == 100


def test_another_error_in_a_template_of_rows_is_retried(runner, sandbox, capsys):
    task = text_to_speech(people(1))
    task.recipients = "{{ 1 / 0 }}"
    assert runner.run(task) == "up_for_retry"
    expected = "A template in `recipients` cannot be rendered (ZeroDivisionError). No new calls were placed."
    assert expected in log_of(capsys)
    assert sandbox.requests() == []


@pytest.mark.parametrize("name", ["recipients", "suppress"])
@pytest.mark.parametrize("template", ["{{ nope.x }}", "{{ 1 / 0 }}", "{{ oops"])
def test_a_complete_send_does_not_fail_on_a_template_of_rows(runner, sandbox, name, template):
    assert runner.run(text_to_speech(people(2))) == "success"
    task = text_to_speech(people(2))
    setattr(task, name, template)
    assert runner.run(task, try_number=2) == "success"
    assert runner.xcoms["return_value"]["accepted"] == 2
    assert len(sandbox.calls()) == 2


class Nested:
    template_fields = ("value",)

    def __init__(self):
        self.value = "{{ dag_run.run_id }}"

    def __str__(self):
        return self.value


def test_a_nested_template_in_an_option_is_rendered(runner):
    nested = Nested()
    runner.run(text_to_speech(people(1), data_options={"Note": nested}))
    assert nested.value == "run"


def test_a_template_may_say_a_flag_and_a_name(runner, sandbox):
    runner.run(
        text_to_speech(
            people(1),
            ignore_possible_sending_time="{{ dag_run.run_id == 'run' }}",
            campaign_name="{{ dag_run.run_id }}",
            campaign_ref_id="{{ none }}",
        )
    )
    (body,) = bodies(sandbox)
    assert (body["IgnorePossibleSendingTime"], body["CampaignName"]) == (True, "run")


def test_rendered_fields_show_a_count_instead_of_people(runner):
    runner.run(text_to_speech(people(3)))
    assert runner.rendered["recipients"] == "<3 rows>"
    assert "0500000001" not in json.dumps(runner.rendered)


@pytest.mark.parametrize(("rows", "shown"), [([], "<0 rows>"), (["0500000001"], "<1 row>")])
def test_rendered_fields_count_any_list(runner, rows, shown):
    runner.run(text_to_speech(rows, key_field=None, message="hello"))
    assert runner.rendered["recipients"] == shown


@pytest.mark.parametrize("rows", ["0500000001", {"phone": "0500000001"}])
def test_rendered_fields_show_no_phone_even_of_what_is_no_list(runner, rows):
    assert runner.run(text_to_speech(Resolved(rows))) == "failed"
    assert runner.rendered["recipients"] == f"<rows: {type(rows).__name__}>"


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
    [{"kind": "status", "status_id": -18}, {"kind": "loose_types", "null_data": True}, {"kind": "drop"}],
)
def test_when_the_copys_campaign_is_not_known_the_others_are_not_sent(runner, sandbox, fault, capsys):
    sandbox.add_fault(**fault)
    assert runner.run(existing(people(250), duplicate=True)) == "failed"
    assert len(sandbox.requests()) == 1
    log = log_of(capsys)
    assert "150 were not sent, because the first batch should have duplicated" in log
    assert ("sends resolve --accept --campaign-id" in log) == (fault["kind"] == "drop")


def test_a_retry_sends_to_the_copy_that_the_first_try_made(runner, sandbox):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(existing(people(250), duplicate=True, max_in_flight=1)) == "up_for_retry"
    assert runner.run(existing(people(250), duplicate=True), try_number=2) == "success"
    assert len({call["message_id"] for call in sandbox.calls()}) == len(sandbox.calls()) == 250
    assert len(runner.xcoms["return_value"]["campaign_ids"]) == 1


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"message": "hi {nmae}"}, "the field 'nmae' of the message is missing or empty (key k1)"),
        ({"message": "{{ 'hi {' }}"}, "a brace that is not part of a placeholder"),
        ({"message": None}, "the row has no text"),
        ({"message": "{{ '  ' }}"}, "`message` is empty"),
        ({"key_field": "nr"}, "the key is missing"),
        ({"key_field": "{{ 'phone' }}"}, "`key_field` names the field with the phone"),
        ({"phone_field": "mobile"}, "(key k1)"),
        ({"resend": "{{ 'maybe' }}"}, "`resend` must be true or false, not 'maybe'"),
        ({"resend": "{{ '050-000-0001' }}"}, "`resend` must be true or false, not '[phone hidden]'"),
        ({"data_options": "{{ dag_run.run_id }}"}, "data_options must be a mapping, not str"),
        ({"ignore_possible_sending_time": "{{ 'maybe' }}"}, "`ignore_possible_sending_time` must be"),
        ({"message": "{{ none }}"}, "the row has no text"),
        ({"limit": "{{ 'ten' }}"}, "`limit` must be a whole number from 1, not 'ten'"),
        ({"report_path": "{{ 'report.txt' }}"}, "`report_path` must end in one of"),
    ],
)
def test_bad_input_of_a_run_fails_without_a_retry_before_anything_is_sent(
    runner, sandbox, kwargs, error, capsys
):
    assert runner.run(text_to_speech(people(1), **kwargs)) == "failed"
    assert sandbox.requests() == []
    log = log_of(capsys)
    assert error in log
    assert "0500000001" not in log


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"campaign_id": "{{ none }}"}, "campaign_id is empty"),
        ({"duplicate": "{{ 'maybe' }}"}, "`duplicate` must be true or false"),
        ({"duplicate_name": "{{ 'Copy' }}"}, "`duplicate_name` is set, but `duplicate` is not"),
    ],
)
def test_bad_input_of_an_existing_campaign_is_a_clear_error(runner, sandbox, kwargs, error, capsys):
    assert runner.run(existing(people(1), **kwargs)) == "failed"
    assert sandbox.requests() == []
    assert error in log_of(capsys)


def test_a_connection_with_an_unknown_extra_is_an_error_before_anything_is_sent(runner, connection, capsys):
    sandbox = connection(tiemout=3)
    assert runner.run(text_to_speech(people(1))) == "failed"
    assert sandbox.requests() == []
    assert "unknown field 'tiemout'" in log_of(capsys)


def test_skipped_rows_are_named_and_counted_and_the_others_are_called(runner, capsys):
    rows = [*people(2), {"id": "bad", "phone": "123", "name": "x"}]
    assert runner.run(text_to_speech(rows, invalid_recipients="skip")) == "success"
    manifest = runner.xcoms["return_value"]
    assert (manifest["recipients"], manifest["accepted"], manifest["skipped"]) == (3, 2, 1)
    assert "skipped: the phone has too few digits (key bad)" in log_of(capsys)


def test_a_vendor_that_refuses_connections_for_a_while_is_waited_for(runner, sandbox):
    sandbox.add_fault("refuse", seconds=1.5)
    assert runner.run(text_to_speech(people(250))) == "success"
    assert len(sandbox.calls()) == 250


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
def test_a_rate_limit_is_waited_for(runner, sandbox, form):
    sandbox.add_fault("rate_limit", retry_after=1, retry_after_form=form)
    assert runner.run(text_to_speech(people(250))) == "success"
    assert len(sandbox.calls()) == 250


def test_a_job_in_progress_is_waited_for(runner, sandbox):
    sandbox.add_fault("status", status_id=-2015)
    assert runner.run(text_to_speech(people(3))) == "success"
    assert len(sandbox.calls()) == 3


def test_an_absurd_retry_after_stops_the_send_and_the_next_try_goes_on(runner, sandbox, capsys):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("rate_limit", retry_after=86_400)
    assert runner.run(text_to_speech(people(250), max_in_flight=1)) == "up_for_retry"
    assert "150 were not sent, because Inforu refused" in log_of(capsys)
    assert runner.run(text_to_speech(people(250)), try_number=2) == "success"
    assert len(sandbox.calls()) == 250


@pytest.mark.parametrize("status_id", [-2, -221, -13])
def test_what_speaks_of_the_account_stops_the_send_and_the_next_try_goes_on(
    runner, sandbox, capsys, status_id
):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=status_id)
    assert runner.run(text_to_speech(people(250), max_in_flight=1)) == "up_for_retry"
    log = log_of(capsys)
    assert "100 recipients were accepted. 150 were not sent" in log
    assert "keys k101 to k250" in log
    assert len(sandbox.calls()) == 100
    assert runner.run(text_to_speech(people(250)), try_number=2) == "success"
    assert len({call["phone"] for call in sandbox.calls()}) == len(sandbox.calls()) == 250
    assert runner.xcoms["return_value"]["accepted"] == 250


def test_a_host_that_does_not_exist_stops_the_send_and_calls_nobody(runner, monkeypatch, capsys):
    monkeypatch.setattr(rate_limiter, "LONGEST_STANDSTILL_SECONDS", 0.5)
    connection = {"conn_type": "inforu", "host": "http://no-such-host.invalid", "login": "u", "password": "p"}
    monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", json.dumps(connection))
    assert runner.run(text_to_speech(people(3))) == "up_for_retry"
    assert "0 recipients were accepted. 3 were not sent, because cannot reach no-such-host.invalid" in log_of(
        capsys
    )


def test_http_200_with_a_failing_status_is_a_failure(runner, sandbox):
    sandbox.add_fault("status", status_id=-13, http_status=200)
    assert runner.run(text_to_speech(people(3))) == "up_for_retry"
    assert runner.run(text_to_speech(people(3)), try_number=2) == "success"
    assert len(sandbox.calls()) == 3


def test_an_answer_that_comes_too_late_leaves_people_in_doubt(runner, connection, capsys):
    sandbox = connection(timeout=1)
    sandbox.add_fault("accept_then_slow", seconds=2)
    assert runner.run(text_to_speech(people(3))) == "failed"
    assert "3 are in doubt" in log_of(capsys)
    assert len(sandbox.calls()) == 3


UNKNOWN = [("accept_then_drop", 3), ("drop", 0), ("accept_then_error", 3), ("garbage", None)]


@pytest.mark.parametrize(("kind", "rang"), UNKNOWN)
def test_people_in_doubt_are_named_and_not_called_again(runner, sandbox, kind, rang, capsys):
    sandbox.add_fault(kind)
    assert runner.run(text_to_speech(people(3))) == "failed"
    log = log_of(capsys)
    assert "3 are in doubt (unknown if called): keys k1 to k3 (batch 1)" in log
    assert "in doubt (unknown if called): k1, k2, k3 (batch 1)" in log
    assert "0500000001" not in log
    assert runner.run(text_to_speech(people(3)), try_number=2) == "failed"
    assert len(sandbox.requests()) == 1
    if rang is not None:
        assert len(sandbox.calls()) == rang


def test_an_error_about_many_people_gives_the_advice_before_the_counts_and_no_long_list(
    runner, sandbox, capsys
):
    sandbox.add_fault("loose_types")  # accepted, so the campaign is known
    sandbox.add_fault("drop")
    recipients = [{**one, "id": f"k{index * 7}"} for index, one in enumerate(people(500))]
    assert runner.run(text_to_speech(recipients, max_in_flight=1)) == "failed"
    error = re.search("Send [0-9a-f]{16} is not complete.*", log_of(capsys))[0]
    assert re.search(r"Look at campaign \d+ in the Inforu portal", error)
    assert error.index("in the Inforu portal") < error.index("100 are in doubt")
    assert len(error) <= LONGEST_ERROR
    assert len(re.findall(r"\bk\d+", error)) < 50


def test_the_others_are_sent_when_a_batch_is_in_doubt(runner, sandbox):
    sandbox.add_fault("drop")
    assert runner.run(text_to_speech(people(250))) == "failed"
    manifest = runner.xcoms["return_value"]
    assert (manifest["recipients"], manifest["accepted"] + manifest["in_doubt"]) == (250, 250)
    assert manifest["in_doubt"] in (50, 100)


def test_people_in_doubt_can_be_taken_as_called(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(text_to_speech(people(3))) == "failed"
    assert runner.run(text_to_speech(people(3), in_doubt="accept"), try_number=2) == "success"
    assert runner.xcoms["return_value"]["in_doubt"] == 3
    assert len(sandbox.calls()) == 3


def test_people_in_doubt_are_called_again_on_request(runner, sandbox):
    sandbox.add_fault("drop")
    assert runner.run(text_to_speech(people(3), in_doubt="resend")) == "up_for_retry"
    assert runner.run(text_to_speech(people(3), in_doubt="resend"), try_number=2) == "success"
    assert len(sandbox.calls()) == 3


def test_a_vendor_that_is_down_puts_few_people_in_doubt_and_the_others_are_left_for_the_next_try(
    runner, sandbox
):
    sandbox.add_fault("http_error", http_status=503, count=50)
    assert runner.run(text_to_speech(people(5000), max_in_flight=2)) == "up_for_retry"
    assert len(sandbox.requests()) <= 6


def test_the_client_is_made_before_a_request_takes_its_place_in_the_limit(runner, sandbox, monkeypatch):
    """To load and make it takes a while, in which the place would grow old."""
    spec = []
    make, send = InforuHook.get_conn, dispatch.Dispatch.run
    monkeypatch.setattr(InforuHook, "get_conn", lambda hook: spec.append("client") or make(hook))
    monkeypatch.setattr(dispatch.Dispatch, "run", lambda one: spec.append("send") or send(one))
    assert runner.run(text_to_speech(people(3))) == "success"
    assert spec == ["client", "send"]
    assert len(sandbox.calls()) == 3


def test_a_rejected_batch_does_not_keep_the_others_from_being_called(runner, sandbox, capsys):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-18)
    assert runner.run(text_to_speech(people(250), max_in_flight=1)) == "failed"
    manifest = runner.xcoms["return_value"]
    assert (manifest["recipients"], manifest["accepted"], manifest["rejected"]) == (250, 150, 100)
    assert len(sandbox.calls()) == 150
    log = log_of(capsys)
    assert "100 were rejected (" in log
    assert "keys k101 to k200" in log
    assert "StatusId -18" in log


def test_a_send_that_was_made_is_not_made_again_and_its_manifest_comes_back(runner, sandbox):
    runner.run(text_to_speech(people(250)))
    manifest = runner.xcoms["return_value"]
    assert runner.run(text_to_speech(people(250)), try_number=2) == "success"
    again = runner.xcoms["return_value"]
    assert again.pop("already_sent_at").endswith("+00:00")
    assert again == {name: value for name, value in manifest.items() if name != "already_sent_at"}
    assert len(sandbox.calls()) == 250


CHANGES = [
    (lambda: {"recipients": people(251)}, "rows were added: 250 before, 251 now"),
    (lambda: {"recipients": people(249)}, "rows were removed: 250 before, 249 now"),
    (lambda: {"recipients": people(250)[::-1]}, "rows are the same, but in another order"),
    (lambda: {"message": "other {name}"}, "the texts differ"),
    (
        lambda: {
            "recipients": [
                {**one, "phone": "0500000900"} if one["id"] == "k9" else one for one in people(250)
            ]
        },
        "the phones differ",
    ),
    (
        lambda: {"recipients": [*people(249), {"id": "x", "phone": "0500000250", "name": "דנה"}]},
        "the keys differ",
    ),
    (lambda: {"recipients": people(251), "suppress": ["k1"]}, "rows skipped: 0 before, 1 now"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_recipients_that_changed_stop_a_send_that_is_not_done_and_the_error_says_what_changed(
    runner, sandbox, change, words, capsys
):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("accept_then_drop")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(text_to_speech(people(250), max_in_flight=1)) == "up_for_retry"
    capsys.readouterr()
    options = {"recipients": people(250), **change()}
    assert runner.run(text_to_speech(options.pop("recipients"), **options), try_number=2) == "failed"
    log = log_of(capsys)
    assert "the recipients changed since the first try" in log
    assert words in log
    assert (
        "100 recipients were accepted. 100 are in doubt (unknown if called): keys k101 to k200 (batch 2)"
        in log
    )
    assert "50 were not sent" in log
    assert ", ".join(f"k{number}" for number in range(101, 201)) in log
    assert "05000" not in log
    assert len(sandbox.calls()) == 200


def test_a_send_with_other_arguments_is_not_continued(runner, sandbox, capsys):
    runner.run(text_to_speech(people(3)))
    assert runner.run(text_to_speech(people(3), campaign_name="other"), try_number=2) == "failed"
    assert "another argument changed since the first try" in log_of(capsys)
    assert len(sandbox.calls()) == 3


def test_another_function_is_named_as_the_change_and_not_its_texts(runner, sandbox, capsys):
    sandbox.add_fault("status", status_id=-13)
    runner.run(text_to_speech(people(3)))
    assert runner.run(existing(people(3)), try_number=2) == "failed"
    log = log_of(capsys)
    assert "the function, the connection, the campaign or another argument changed since the first try" in log
    assert "texts differ" not in log
    assert sandbox.calls() == []


@pytest.mark.parametrize("resend", [True, "{{ dag_run.run_id == 'run' }}"])
def test_a_task_that_is_cleared_calls_everybody_again_on_request_and_once(runner, sandbox, resend):
    task = {"resend": resend}
    assert runner.run(text_to_speech(people(3), **task)) == "success"
    assert runner.run(text_to_speech(people(3), **task), try_number=2) == "success"
    assert len(sandbox.calls()) == 3
    runner.max_tries += 2
    assert runner.run(text_to_speech(people(3)), try_number=3) == "success"
    assert len(sandbox.calls()) == 3
    assert runner.run(text_to_speech(people(3), **task), try_number=3) == "success"
    assert runner.run(text_to_speech(people(3), **task), try_number=4) == "success"
    assert len(sandbox.calls()) == 6
    assert len({call["message_id"] for call in sandbox.calls()}) == 6


def test_an_attempt_that_airflow_has_given_up_sends_nothing(runner, sandbox):
    runner.stale = True
    assert runner.run(text_to_speech(people(3))) != "success"
    assert sandbox.requests() == []


def without_state_store(task, try_number):
    instance = {"try_number": try_number, "max_tries": 2, "xcom_push": lambda _self, **_value: None}
    task.recipients = HiddenRows(unwrap_rows(task.recipients))  # as Airflow's rendering leaves them
    return task.execute({"ti": type("TaskInstance", (), instance)()})


def test_a_later_try_whose_ledger_store_is_gone_after_the_wait_is_not_retried():
    task = text_to_speech(people(3), wait_for_calls=True)
    event = Decision(Verdict.COMPLETE, "", SendSummary("0" * 16, 3), 3).to_event()
    instance = {"try_number": 2, "max_tries": 2, "xcom_push": lambda _self, **_value: None}
    with pytest.raises(AirflowFailException, match="no ledger records the calls"):
        task.execute_complete({"ti": type("TaskInstance", (), instance)()}, event)


def test_without_a_ledger_the_first_try_sends_and_a_later_one_refuses(sandbox):
    task = text_to_speech(people(3))
    assert without_state_store(task, 1)["accepted"] == 3
    with pytest.raises(AirflowFailException, match=r"This is try 2, .*set \[inforu\] ledger_path"):
        without_state_store(task, 2)
    assert len(sandbox.calls()) == 3


def test_without_a_ledger_a_send_that_stops_in_the_middle_is_not_retried(sandbox):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-2)
    with pytest.raises(AirflowFailException, match=r"keeps no state for tasks.*150 were not sent"):
        without_state_store(text_to_speech(people(250), max_in_flight=1), 1)


def test_without_a_ledger_a_first_try_that_reached_nobody_says_so_and_is_not_retried_in_vain(sandbox):
    sandbox.add_fault("status", status_id=-2)
    with pytest.raises(
        AirflowFailException, match=r"0 recipients were accepted.*3 were not sent.*Authentication"
    ):
        without_state_store(text_to_speech(people(3)), 1)


@pytest.fixture
def object_storage(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", f"file://{tmp_path}/ledgers")
    return tmp_path / "ledgers"


def test_a_ledger_in_object_storage_lets_a_later_try_go_on(runner, sandbox, object_storage):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(text_to_speech(people(250), max_in_flight=1)) == "up_for_retry"
    assert runner.run(text_to_speech(people(250)), try_number=2) == "success"
    assert len({call["phone"] for call in sandbox.calls()}) == len(sandbox.calls()) == 250
    assert list(runner.state_store) == ["inforu_ledger.path"]
    assert not [path for path in object_storage.rglob("*.json") if "0500000001" in path.read_text()]


def test_a_damaged_ledger_in_object_storage_names_everybody_whom_it_may_be_about(
    runner, sandbox, object_storage, capsys
):
    runner.run(text_to_speech(people(3)))
    for path in object_storage.rglob("*.0.json"):
        path.write_text("{")
    assert runner.run(text_to_speech(people(3)), try_number=2) == "failed"
    log = log_of(capsys)
    assert "a part of the ledger is missing or cannot be read" in log
    assert "in doubt" in log
    assert len(sandbox.calls()) == 3


def test_the_ledger_holds_no_phone_and_no_text(runner):
    runner.run(text_to_speech(people(3)))
    stored = json.dumps(runner.state_store, ensure_ascii=False)
    assert "050000000" not in stored
    assert "דנה" not in stored


def test_the_rate_of_the_connection_is_kept(runner, connection):
    """Twenty a second is what the sandbox takes, and unpaced requests are several times as fast."""
    sandbox = connection(requests_per_second=10)
    sandbox.update_settings(requests_per_second=20)
    assert runner.run(text_to_speech(people(2500))) == "success"
    assert len(sandbox.calls()) == 2500


def test_a_shared_limit_that_cannot_be_asked_stops_the_send_before_it_calls_anybody(
    runner, connection, monkeypatch, capsys
):
    sandbox = connection()
    monkeypatch.setenv("AIRFLOW__INFORU__RATE_LIMIT_REDIS_URL", "redis://:s3cr3t-pw@127.0.0.1:1/0")
    assert runner.run(text_to_speech(people(3))) == "up_for_retry"
    log = log_of(capsys)
    assert "shared rate limit in Redis" in log
    assert "s3cr3t-pw" not in log
    assert sandbox.requests() == []


def test_a_kill_stops_new_requests_and_the_next_try_goes_on(runner, sandbox, capsys):
    sandbox.update_settings(latency=0.1)
    task = text_to_speech(people(3000), max_in_flight=1)

    def kill_once_it_sends():
        while not sandbox.calls():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=kill_once_it_sends, daemon=True).start()
    assert runner.run(task) == "up_for_retry"
    called = len(sandbox.calls())
    assert 0 < called < 3000
    log = log_of(capsys)
    assert "Accepted calls cannot be cancelled" in log
    assert "because the task was killed" in log
    sandbox.update_settings(latency=0)
    assert runner.run(text_to_speech(people(3000)), try_number=2) == "success"
    assert len({call["phone"] for call in sandbox.calls()}) == len(sandbox.calls()) == 3000


def test_a_kill_before_the_first_request_calls_nobody(runner, sandbox):
    task = text_to_speech(people(3))
    task.on_kill()
    assert runner.run(task) == "up_for_retry"
    assert sandbox.requests() == []


def test_a_timeout_leaves_nobody_in_doubt_whose_answer_still_comes(runner, sandbox):
    sandbox.update_settings(latency=0.3)
    task = text_to_speech(people(3000), max_in_flight=2, execution_timeout=timedelta(seconds=1))
    assert runner.run(task) == "up_for_retry"
    sandbox.update_settings(latency=0)
    assert runner.run(text_to_speech(people(3000)), try_number=2) == "success"
    assert len({call["phone"] for call in sandbox.calls()}) == len(sandbox.calls()) == 3000


def test_where_airflow_may_delete_state_a_retry_of_a_try_that_never_came_to_send_is_sent(
    runner, sandbox, monkeypatch
):
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", "True")
    assert runner.run(text_to_speech(people(3), message="hi {nmae}")) == "failed"
    assert runner.run(text_to_speech(people(3)), try_number=2) == "success"
    assert len(sandbox.calls()) == 3


def test_an_edit_of_retries_is_no_clear_and_resends_nothing(runner, sandbox, capsys):
    assert runner.run(text_to_speech(people(3), resend=True, retries=5)) == "success"
    assert runner.run(text_to_speech(people(3), resend=True, retries=0), try_number=2) == "success"
    assert len(sandbox.calls()) == 3
    log = log_of(capsys)
    assert "Nobody was called" in log
    assert "Airflow shows no clear since then" in log


def test_a_clear_that_airflow_does_not_show_is_told_and_the_next_clear_calls_everybody(
    runner, sandbox, capsys
):
    runner.max_tries = 1
    assert runner.run(text_to_speech(people(3), resend=True, retries=1)) == "success"
    capsys.readouterr()
    # A clear sets max_tries to the number of the last try and the retries: 1 again, as they were lowered.
    assert runner.run(text_to_speech(people(3), resend=True, retries=0), try_number=2) == "success"
    assert "Clear the task once more" in log_of(capsys)
    assert len(sandbox.calls()) == 3
    runner.max_tries = 2
    assert runner.run(text_to_speech(people(3), resend=True, retries=0), try_number=3) == "success"
    assert len(sandbox.calls()) == 6


def test_an_empty_list_after_a_try_that_sent_is_no_success(runner, sandbox, capsys):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(text_to_speech(people(250), max_in_flight=1)) == "up_for_retry"
    assert runner.run(text_to_speech([]), try_number=2) == "failed"
    assert "rows were removed: 250 before, 0 now" in log_of(capsys)


def test_people_in_doubt_who_are_taken_as_called_are_named(runner, sandbox, capsys):
    sandbox.add_fault("drop")
    assert runner.run(text_to_speech(people(3), in_doubt="accept")) == "success"
    assert "in doubt (unknown if called): k1, k2, k3" in log_of(capsys)


def test_people_in_doubt_are_named_when_the_send_is_interrupted(runner, sandbox, monkeypatch, capsys):
    monkeypatch.setattr(dispatch, "ANSWERS_AFTER_KILL_SECONDS", 0.0)
    sandbox.add_fault("accept_then_slow", seconds=2)
    task = text_to_speech(people(3), retries=0, execution_timeout=timedelta(seconds=1))
    assert runner.run(task) != "success"
    assert "in doubt (unknown if called): k1, k2, k3" in log_of(capsys)


def test_without_a_ledger_all_who_were_not_sent_are_named(sandbox, caplog):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-2)
    with pytest.raises(AirflowFailException):
        without_state_store(text_to_speech(people(150), max_in_flight=1), 1)
    assert ", ".join(f"k{number}" for number in range(101, 151)) in caplog.text


def test_a_cleared_task_that_never_came_to_send_is_sent(runner, sandbox):
    assert runner.run(text_to_speech(people(3), message="hi {nmae}")) == "failed"
    runner.max_tries += 2
    assert runner.run(text_to_speech(people(3)), try_number=3) == "success"
    assert len(sandbox.calls()) == 3
