import datetime as dt
import json

import pytest

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.outcomes.awaited import (
    check_on_timeout,
    check_seconds,
    check_source,
    check_source_name,
    read_send,
    read_threshold,
)
from airflow_provider_inforu.outcomes.sources import Job
from airflow_provider_inforu.outcomes.summary import SendSummary

SEND = "0123456789abcdef"
MANIFEST = {
    "send_id": SEND,
    "accepted": 120,
    "requests": [
        {"request_token": "t1", "campaign_id": 1, "calls": 100},
        {"request_token": "t2", "campaign_id": 1, "calls": 20},
    ],
    "calls": None,
}


def test_a_manifest_says_what_to_wait_for():
    awaited = read_send(MANIFEST)
    assert (awaited.send_id, awaited.expected, awaited.done) == (SEND, 120, None)
    assert awaited.jobs == (Job("t1", 100), Job("t2", 20))


def test_a_manifest_may_come_as_the_text_of_its_json():
    assert read_send(json.dumps(MANIFEST)) == read_send(MANIFEST)


def test_expected_wins_over_the_manifest():
    assert read_send(MANIFEST, expected=7).expected == 7


def test_a_send_id_goes_with_how_many_calls_it_made_also_where_a_template_wrote_it():
    awaited = read_send(SEND, expected=" 12 ")
    assert (awaited.send_id, awaited.expected, awaited.jobs) == (SEND, 12, None)


def test_a_manifest_whose_calls_have_ended_has_nothing_to_wait_for():
    calls = {**SendSummary(SEND, 120).to_json(), "complete": True}
    assert read_send({**MANIFEST, "calls": calls}).done == SendSummary(SEND, 120)


def test_a_dry_run_has_nothing_to_wait_for():
    assert read_send({"dry_run": True, "would_call": 7}).done == SendSummary("")


def test_a_manifest_whose_wait_was_given_up_is_waited_for():
    calls = {**SendSummary(SEND, 3).to_json(), "complete": False}
    assert read_send({**MANIFEST, "calls": calls}).done is None


def test_no_token_is_shown():
    assert "t1" not in repr(read_send(MANIFEST))


@pytest.mark.parametrize(
    ("send", "words"),
    [
        (None, "send must be a manifest, not NoneType.*send=call.output"),
        ([MANIFEST], "send must be a manifest, not list.*mapped"),
        (SEND, "expected is missing"),
        (str(MANIFEST), "send is not valid JSON.*| tojson"),
        ({}, "send_id must have 16"),
        ({**MANIFEST, "send_id": "../../x"}, "send_id must have 16"),
        ({**MANIFEST, "accepted": None}, "accepted must be a number of calls"),
        ({**MANIFEST, "accepted": True}, "accepted must be a number of calls"),
        ({**MANIFEST, "accepted": -1}, "accepted must be a number of calls"),
        ({**MANIFEST, "requests": 5}, "field requests"),
        ({**MANIFEST, "requests": [{}]}, "field requests"),
        ({**MANIFEST, "calls": {"complete": True}}, "field calls"),
    ],
)
def test_what_is_no_send_is_refused_in_words_that_say_what_to_pass(send, words):
    with pytest.raises(InforuInputError, match=words.replace("|", r"\|")):
        read_send(send)


@pytest.mark.parametrize("send_id", ["", "0500000001", SEND.upper(), SEND + "0", f"{SEND}\n"])
def test_what_is_no_send_id_is_refused_and_not_shown(send_id):
    with pytest.raises(InforuInputError, match="send_id must have 16") as raised:
        read_send(send_id, expected=1)
    assert "0500000001" not in str(raised.value)


def test_expected_that_is_no_number_is_refused():
    with pytest.raises(InforuInputError, match="expected must be a number of calls"):
        read_send(SEND, expected="many")


@pytest.mark.parametrize("complete_when", [0, -0.5, 1.01, float("nan"), True, "0.5", None])
def test_what_is_no_share_is_refused(complete_when):
    with pytest.raises(InforuInputError, match="complete_when must be"):
        read_threshold(10, complete_when)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "60", None, dt.timedelta(0)])
def test_what_is_no_length_of_time_is_refused(seconds):
    with pytest.raises(InforuInputError, match="timeout must be a number of seconds above 0"):
        check_seconds("timeout", seconds)


@pytest.mark.parametrize("seconds", [1, 0.05, dt.timedelta(minutes=1)])
def test_a_length_of_time_may_be_a_number_or_a_timedelta(seconds):
    check_seconds("timeout", seconds)


def test_what_to_do_when_the_time_is_over_is_one_of_two():
    check_on_timeout("fail")
    check_on_timeout("succeed")
    with pytest.raises(InforuInputError, match="on_timeout must be one of fail, succeed, not 'ignore'"):
        check_on_timeout("ignore")


def test_a_source_must_exist():
    check_source_name("status_function")
    with pytest.raises(InforuInputError, match="source must be one of notifications, status_function"):
        check_source_name("portal")


@pytest.mark.parametrize("accepted", [120, 0])
def test_a_manifest_with_calls_in_doubt_does_not_say_how_many_will_end(accepted):
    manifest = {**MANIFEST, "accepted": accepted, "in_doubt": 100}
    with pytest.raises(InforuInputError, match=r"100 calls are in doubt.*wait_for_calls=True.*pass expected"):
        check_source(read_send(manifest), "notifications")
    check_source(read_send(manifest, expected=220), "notifications")


def test_calls_in_doubt_have_no_token_and_so_do_no_harm_to_the_status_function():
    check_source(read_send({**MANIFEST, "in_doubt": 100}), "status_function")


def test_calls_in_doubt_do_no_harm_where_the_operator_has_waited():
    calls = {**SendSummary(SEND, 120).to_json(), "complete": True}
    check_source(read_send({**MANIFEST, "in_doubt": 100, "calls": calls}), "notifications")


def test_calls_in_doubt_must_be_a_number():
    with pytest.raises(InforuInputError, match="in_doubt must be a number of calls"):
        read_send({**MANIFEST, "in_doubt": "some"})


@pytest.mark.parametrize(
    "manifest",
    [
        {name: value for name, value in MANIFEST.items() if name != "requests"},
        {**MANIFEST, "requests": [{"request_token": None, "calls": 120}]},
    ],
)
def test_a_status_function_cannot_be_asked_without_tokens(manifest):
    awaited = read_send(manifest)
    check_source(awaited, "notifications")
    with pytest.raises(InforuInputError, match=r"at most 200 requests.*source='notifications'"):
        check_source(awaited, "status_function")
