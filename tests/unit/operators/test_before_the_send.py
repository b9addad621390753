"""What a send does before its first call: a dry run, and a look at the quota."""

import math

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_inforu.capi.admin import Quota
from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.voice import SEND_TEXT_TO_SPEECH
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.operators.hidden_rows import HiddenRows
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.sending.quota import NotEnoughQuotaError, calls_left, check_quota
from tests.unit.operators.test_voice import existing, log_of, people, text_to_speech, without_state_store

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.mark.parametrize("dry_run", [True, "true", "{{ 1 == 1 }}"])
def test_a_dry_run_reads_everything_and_reaches_no_function_of_the_vendor(runner, sandbox, dry_run, capsys):
    rows = [*people(250), {"id": "again", "phone": "0500000001", "name": "x"}]
    assert runner.run(text_to_speech(rows, dry_run=dry_run)) == "success"
    assert sandbox.requests() == []
    assert runner.state_store == {}
    assert runner.xcoms["return_value"] == {
        "dry_run": True,
        "send_id": None,
        "function": SEND_TEXT_TO_SPEECH,
        "inforu_conn_id": "inforu_default",
        "recipients": 251,
        "accepted": 0,
        "rejected": 0,
        "in_doubt": 0,
        "skipped": 1,
        "campaign_ids": [],
        "requests": [],
        "calls": None,
        "already_sent_at": None,
        "would_call": 250,
        "would_request": 3,
    }
    log = log_of(capsys)
    assert "dry run: k1 would hear: שלום דנה" in log
    assert "dry run: k6" not in log
    assert "dry run: 250 recipients would be called in 3 requests. Nobody was called" in log


def test_a_dry_run_shows_no_phone_even_where_the_text_speaks_it(runner, capsys):
    assert runner.run(text_to_speech(people(1), message="Is {phone} yours?", dry_run=True)) == "success"
    log = log_of(capsys)
    assert "k1 would hear: Is [phone hidden] yours?" in log
    assert "0500000001" not in log


def test_a_dry_run_of_a_campaign_has_no_texts_to_show(runner, sandbox, capsys):
    assert runner.run(existing(people(1), dry_run=True)) == "success"
    assert "would hear" not in log_of(capsys)
    assert sandbox.requests() == []


def test_a_dry_run_fails_where_the_send_would(runner, sandbox, capsys):
    assert runner.run(text_to_speech([{"id": "k1", "phone": "12"}], dry_run=True)) == "failed"
    assert "The only row is invalid" in log_of(capsys)
    assert sandbox.requests() == []


def test_a_dry_run_that_is_no_flag_is_an_error_before_anything_is_sent(runner, sandbox, capsys):
    assert runner.run(text_to_speech(people(1), dry_run="{{ 'maybe' }}")) == "failed"
    assert "`dry_run` must be true or false, not 'maybe'. No new calls were placed" in log_of(capsys)
    assert sandbox.requests() == []


def test_airflows_own_dry_run_still_shows_the_fields(capfd):
    text_to_speech(people(1), dry_run=True).dry_run()
    shown = capfd.readouterr()
    assert "Rendering template for message" in shown.out + shown.err


@pytest.mark.parametrize("limit", [120, "120", "{{ 100 + 20 }}"])
def test_a_limit_calls_the_first_people_and_reads_no_further(runner, sandbox, limit, capsys):
    rows = [*people(120), {"id": "k121", "phone": "no phone"}]
    assert runner.run(text_to_speech(rows, limit=limit)) == "success"
    assert len(sandbox.calls()) == 120
    assert runner.xcoms["return_value"]["recipients"] == 120
    assert "`limit` is 120: later rows are not read" in log_of(capsys)


def test_skipped_rows_take_no_place_of_a_limit(runner, sandbox):
    rows = [{"id": "bad", "phone": "12"}, *people(2)]
    assert runner.run(text_to_speech(rows, limit=2, invalid_recipients="skip")) == "success"
    assert len(sandbox.calls()) == 2


def quota_asked(sandbox):
    return [request["function"] for request in sandbox.requests()].count("Admin/GetQuota")


@pytest.mark.parametrize("quota", [250, None])
def test_a_quota_that_is_enough_lets_the_send_go(runner, sandbox, quota):
    sandbox.update_settings(quota=quota)
    assert runner.run(text_to_speech(people(250), quota_check="fail")) == "success"
    assert (len(sandbox.calls()), quota_asked(sandbox)) == (250, 1)


def test_a_quota_that_is_not_enough_fails_before_anybody_is_called(runner, sandbox, capsys):
    sandbox.update_settings(quota=249)
    task = text_to_speech(people(250), quota_check="fail")
    assert runner.run(task) == "up_for_retry"
    assert "The account's quota has 249 calls left, and 250 recipients are still to" in log_of(capsys)
    assert sandbox.calls() == []
    sandbox.update_settings(quota=250)
    assert runner.run(task, try_number=2) == "success"
    assert len(sandbox.calls()) == 250


def test_a_quota_that_is_not_enough_is_a_warning_on_request(runner, sandbox, capsys):
    sandbox.update_settings(quota=100)
    assert runner.run(text_to_speech(people(101), quota_check="warn", max_in_flight=1)) == "up_for_retry"
    log = log_of(capsys)
    assert "quota has 100 calls left, and 101 recipients are still to be called" in log
    assert "The send continues" in log
    assert len(sandbox.calls()) == 100


@pytest.mark.parametrize(
    ("quota_check", "state", "calls"), [("fail", "up_for_retry", 0), ("warn", "success", 1)]
)
def test_a_quota_that_cannot_be_read_is_not_enough(runner, sandbox, quota_check, state, calls):
    sandbox.add_fault("http_error", http_status=500, function="Admin/GetQuota")
    assert runner.run(text_to_speech(people(1), quota_check=quota_check)) == state
    assert len(sandbox.calls()) == calls


@pytest.mark.parametrize(
    ("remaining", "left"),
    [
        ([("Monthly", 5), ("Packages", 7)], 12),
        ([("Unlimited", None)], math.inf),
        ([("Unlimited", None), ("Monthly", None)], math.inf),
        ([("Monthly", 5), ("Packages", None)], None),
        ([], None),
    ],
)
def test_packages_add_up_where_the_vendor_says_how_much_each_has(remaining, left):
    assert calls_left([Quota("IVR", kind, number, None) for kind, number in remaining]) == left


def test_a_vendor_that_does_not_say_how_many_are_left_has_not_said_enough(monkeypatch):
    monkeypatch.setattr(InforuHook, "get_quota", lambda _: [])
    with pytest.raises(NotEnoughQuotaError, match="an unknown number of calls left"):
        check_quota(InforuHook(), 1, "fail")


def test_without_a_ledger_a_quota_that_is_not_enough_is_not_retried_in_vain(sandbox):
    sandbox.update_settings(quota=0)
    with pytest.raises(AirflowFailException, match="has 0 calls left"):
        without_state_store(text_to_speech(people(1), quota_check="fail"), 1)


def test_the_quota_is_not_asked_without_request_nor_where_all_were_sent(runner, sandbox):
    assert runner.run(text_to_speech(people(1))) == "success"
    assert runner.run(text_to_speech(people(1), quota_check="fail"), try_number=2) == "success"
    assert quota_asked(sandbox) == 0


def test_what_to_do_about_the_quota_is_a_choice_of_two():
    with pytest.raises(InforuInputError, match="`quota_check` must be one of fail, warn, not 'always'"):
        text_to_speech(people(1), quota_check="always")


def test_nobody_is_called_who_is_suppressed(runner, sandbox, capsys):
    rows = [{"id": "k2", "phone": None}, "0500000003", "+1 212 555 0100"]
    assert runner.run(text_to_speech(people(4), suppress=rows)) == "success"
    assert {call["phone"] for call in sandbox.calls()} == {"0500000001", "0500000004"}
    assert runner.xcoms["return_value"]["skipped"] == 2
    log = log_of(capsys)
    assert "suppressed recipients: 2" in log
    assert "skipped: suppressed (2 rows: keys k2, k3)" in log


def test_who_is_suppressed_is_shown_to_nobody(runner, capsys):
    runner.run(text_to_speech(people(4), suppress=["0500000003"]))
    assert runner.rendered["suppress"] == "<1 row>"
    assert "0500000003" not in log_of(capsys)


def test_suppressed_people_whom_an_upstream_task_did_not_deliver_stop_the_send(runner, sandbox, capsys):
    assert runner.run(text_to_speech(people(2), suppress=HiddenRows(None))) == "failed"
    assert "The task behind `suppress` returned None or did not run" in log_of(capsys)
    assert sandbox.requests() == []


@pytest.mark.parametrize("dry_run", ["{{ '' }}", "{{ none }}", "{{ params.get('dry') }}"])
def test_a_dry_run_that_rendered_to_nothing_is_no_real_send(runner, sandbox, dry_run, capsys):
    assert runner.run(text_to_speech(people(2), dry_run=dry_run)) == "failed"
    assert "`dry_run` rendered to an empty value" in log_of(capsys)
    assert sandbox.requests() == []


def test_a_dry_run_may_be_the_output_of_a_task_which_it_waits_for():
    with DAG("dag"):
        decide = EmptyOperator(task_id="decide")
        task = InforuSendTextToSpeechOperator(task_id="call", recipients=[], dry_run=decide.output)
    assert task.upstream_task_ids == {"decide"}


def test_an_empty_list_of_suppressed_people_suppresses_nobody(runner, sandbox):
    assert runner.run(text_to_speech(people(2), suppress=[])) == "success"
    assert len(sandbox.calls()) == 2


def test_a_row_that_suppresses_nobody_stops_the_send_before_the_first_call(runner, sandbox, capsys):
    assert runner.run(text_to_speech(people(4), suppress=["k1", {"phone": "12"}])) == "failed"
    assert sandbox.requests() == []
    assert "`suppress`, row 2: the phone has" in log_of(capsys)


def test_a_message_may_come_from_a_field_of_another_name(runner, sandbox):
    rows = [{"id": "k1", "phone": "0500000001", "words": "שלום"}, {"id": "k2", "phone": "0500000002"}]
    assert runner.run(text_to_speech(rows, message="ערב טוב", message_field="words")) == "success"
    assert [call["text"] for call in sandbox.calls()] == ["שלום", "ערב טוב"]
