import contextlib
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.outcomes.asset_events import MAX_LISTED, describe, select
from airflow_provider_inforu.outcomes.summary import CallEvent, CallResult, SendSummary

SEND = "0123456789abcdef"
SUMMARY = {
    "send_id": SEND,
    "calls": 3,
    "by_status": {"Answered": 2, "NoAnswer": 1},
    "by_digit": {"1": 2},
    "first_at": "2026-11-01T10:00:00+02:00",
    "last_at": None,
}
CALL = {
    "key": "k1",
    "status": "Answered",
    "seconds": 12,
    "digit": "1",
    "campaign_id": 183,
    "ended_at": "2026-11-01T08:00:00+00:00",
}

counts = st.dictionaries(st.text(), st.integers(0, 10**9))
times = st.none() | st.datetimes(timezones=st.just(dt.UTC))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*SUMMARY, *CALL, "received_at"]), inner),
    max_leaves=10,
)


@given(st.builds(SendSummary, st.text(min_size=1), st.integers(0, 10**9), counts, counts, times, times))
def test_a_summary_survives_json(summary):
    assert SendSummary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


def test_times_are_read_as_utc():
    summary = SendSummary.from_json(SUMMARY)
    assert summary.first_at == dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    assert summary.to_json()["first_at"] == "2026-11-01T08:00:00+00:00"


def test_a_call_and_a_notification_are_read():
    call = CallResult.from_json(CALL)
    assert (call.key, call.status, call.seconds, call.digit, call.campaign_id) == (
        "k1",
        "Answered",
        12,
        "1",
        183,
    )
    event = CallEvent.from_json({**CALL, "send_id": SEND, "received_at": "2026-11-01T08:00:01+00:00"})
    assert (event.send_id, event.key, event.ended_at) == (SEND, "k1", call.ended_at)
    assert event.received_at == dt.datetime(2026, 11, 1, 8, 0, 1, tzinfo=dt.UTC)


def test_what_the_vendor_did_not_say_is_none():
    call = CallResult.from_json({"key": "k1"})
    assert (call.status, call.seconds, call.digit, call.campaign_id, call.ended_at) == (None,) * 5
    assert CallEvent.from_json({}).send_id is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"send_id": None}, "send_id is not text"),
        ({"send_id": 5}, "send_id is not text"),
        ({"calls": "3"}, "calls is not a whole number"),
        ({"calls": -1}, "calls is not a whole number"),
        ({"calls": True}, "calls is not a whole number"),
        ({"by_status": []}, "by_status is not a JSON object"),
        ({"by_digit": {"1": None}}, "by_digit is not a whole number"),
        ({"first_at": 5}, "first_at is not a date"),
        ({"last_at": "yesterday"}, "last_at is not a date"),
        ({"last_at": "0001-01-01T00:00:00+02:00"}, "last_at is not a date"),
        ({"last_at": "2026-11-01T10:00:00"}, "last_at has no time zone"),
    ],
)
def test_a_summary_that_is_none_is_refused_by_the_name_of_the_field(change, words):
    with pytest.raises(ValueError, match=words):
        SendSummary.from_json({**SUMMARY, **change})


@pytest.mark.parametrize("change", [{"key": None}, {"seconds": "12"}, {"campaign_id": True}, {"digit": 1}])
def test_a_call_that_is_none_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        CallResult.from_json({**CALL, **change})


@given(values)
def test_whatever_json_comes_is_read_or_refused(value):
    for kind in (SendSummary, CallResult, CallEvent):
        with contextlib.suppress(ValueError):
            assert isinstance(kind.from_json(value), kind)


def event(number=1, send_id=SEND, **kwargs):
    return CallEvent.from_json(
        {**CALL, "key": f"k{number}" if send_id else None, "send_id": send_id, **kwargs}
    )


def test_an_event_counts_and_names_by_key():
    described = describe(
        [event(1), event(2, status="NoAnswer", digit=None), event(send_id=None, status=None)]
    )
    assert described["notifications"] == 3
    assert described["by_status"] == {"Answered": 1, "NoAnswer": 1, "": 1}
    assert described["by_digit"] == {"1": 2}
    assert described["sends"] == {SEND: 2}
    assert described["calls"][0] == {**CALL, "send_id": SEND}
    assert [call["key"] for call in described["calls"]] == ["k1", "k2"]
    assert described["not_listed"] == {"sends": 0, "calls": 0}


def test_an_event_about_a_thousand_stays_small_and_says_how_many_it_leaves_out():
    described = describe([event(number, send_id=f"{number:016x}") for number in range(1000)])
    assert (len(described["calls"]), len(described["sends"])) == (MAX_LISTED, MAX_LISTED)
    assert described["not_listed"] == {"sends": 900, "calls": 900}
    assert len(json.dumps(described)) < 40_000


def test_only_what_is_asked_for_is_selected():
    other = "f" * 16
    events = [event(1), event(2, status="NoAnswer"), event(3, send_id=other), event(send_id=None)]
    assert [one.key for one in select(events, send_id=SEND)] == ["k1", "k2"]
    assert [one.key for one in select(events, statuses=["NoAnswer"])] == ["k2"]
    assert [one.key for one in select(events, send_id=other, statuses=["Answered"])] == ["k3"]
    assert select(events) == events
