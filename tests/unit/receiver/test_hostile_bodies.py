"""Whatever a body says, it costs a bounded number of rows, and loses no good item."""

import datetime as dt
import json

import pytest

from airflow_provider_inforu.capi import notifications
from airflow_provider_inforu.receiver import push_parser, unrecognized_payloads
from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.unrecognized_payloads import LONGEST_PAYLOAD, MOST_UNREADABLE
from tests.receiver import end_of_call
from tests.unit.receiver.hostile import MIB, NAMES, hostile_bodies

SEND = "0123456789abcdef"
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def read(body, content_type=JSON):
    return PushParser("c", "secret-of-16-letters", "masked").read(body, content_type, NOW)


@pytest.fixture
def looked_at(monkeypatch):
    """Count the characters in which phones were looked for."""
    sizes = []
    hide = unrecognized_payloads.hide_phones_in

    def count(value):
        sizes.append(len(value if isinstance(value, str) else json.dumps(value)))
        return hide(value)

    monkeypatch.setattr(unrecognized_payloads, "hide_phones_in", count)
    return sizes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content_type", [JSON, FORM])
def test_a_hostile_body_costs_a_bounded_number_of_rows(name, content_type, looked_at):
    body = hostile_bodies(MIB)[name]
    found = read(body, content_type)
    total = len(found.notifications) + len(found.unrecognized)
    assert 1 <= total <= notifications.MOST_ITEMS
    assert sum(len(row["content"]) for row in found.unrecognized) <= 4 * MIB
    assert sum(looked_at) <= unrecognized_payloads.MOST_CHARACTERS + 3 * LONGEST_PAYLOAD
    assert max(looked_at, default=0) <= LONGEST_PAYLOAD + 128
    digests = [row["digest"] for row in found.unrecognized]
    assert len(digests) == len(set(digests))


def test_parts_that_are_no_objects_become_a_hundred_rows_and_one_for_the_rest():
    found = read(json.dumps(list(range(30_000))).encode())
    assert len(found.unrecognized) == MOST_UNREADABLE + 1
    assert found.unrecognized[-1]["reason"] == "too much in one push"


def test_equal_parts_become_one_row():
    assert [row["content"] for row in read(b"[1,1,1,1]").unrecognized] == ["1"]


def test_ten_thousand_items_are_read_and_the_rest_is_one_unrecognized_payload():
    items = [end_of_call(f"{SEND}-{n}") for n in range(10_005)]
    found = read(json.dumps({"CustomerId": 2, "Data": items}).encode())
    assert [row["key"] for row in found.notifications] == [str(n) for n in range(10_000)]
    (rest,) = found.unrecognized
    assert "abcdef-10000" in rest["content"]
    assert "abcdef-10004" in rest["content"]
    assert "0500000001" not in rest["content"]


@pytest.mark.parametrize(
    ("bad", "is_kept"),
    [
        ('{"Channel":"IVR","ListeningDuration":"' + "9" * 4301 + ':00:00"}', False),
        ('{"Channel":"IVR","CampaignID":' + "9" * 4301 + "}", False),
        ('{"a":' * 980 + "1" + "}" * 980, True),
        ("[" * 970 + "]" * 970, True),
        ("[" * 100_000 + "]" * 100_000, True),
        ('{"Channel": "IVR', True),
    ],
    ids=[
        "a long duration",
        "a long number",
        "a deep object",
        "a deep list",
        "deeper than Python reads",
        "a cut",
    ],
)
@pytest.mark.parametrize("count", [1, 10, 99, 250])
def test_one_bad_item_does_not_lose_the_good_ones_before_it(count, bad, is_kept):
    good = [end_of_call(f"{SEND}-{n}") for n in range(count)]
    found = read(
        b'{"Data": [' + b", ".join(json.dumps(one).encode() for one in good) + f", {bad}]}}".encode()
    )
    assert [row["key"] for row in found.notifications][:count] == [str(n) for n in range(count)]
    assert len(found.unrecognized) == is_kept


def test_an_error_that_nobody_foresaw_keeps_the_other_items_and_the_body(monkeypatch, caplog):
    def fail():
        raise ZeroDivisionError("0500000001")

    good, bad = end_of_call(f"{SEND}-1"), end_of_call(f"{SEND}-2", phone="fail")
    stored = push_parser.stored_phone
    monkeypatch.setattr(
        push_parser, "stored_phone", lambda phone, how: fail() if phone == "fail" else stored(phone, how)
    )
    found = read(json.dumps([bad, good]).encode())
    assert [row["key"] for row in found.notifications] == ["1"]
    (whole,) = found.unrecognized
    assert whole["reason"] == "not readable: ZeroDivisionError"
    assert "abcdef-2" in whole["content"]
    assert "ZeroDivisionError" in caplog.text
    assert "0500000001" not in caplog.text + whole["content"]


def test_json_that_is_labelled_as_a_form_is_read_as_json():
    assert len(read(json.dumps({"Data": [end_of_call(f"{SEND}-1")]}).encode(), FORM).notifications) == 1


@pytest.mark.parametrize("offset", range(0, 20, 3))
def test_a_phone_that_the_cut_goes_through_is_not_shown(offset):
    text = "x" * (LONGEST_PAYLOAD - offset) + "05-00-00-00-01" + "y" * 1000
    (kept,) = read(text.encode()).unrecognized
    beginning = kept["content"].partition(" \N{HORIZONTAL ELLIPSIS} ")[0]
    assert sum(one.isdecimal() for one in beginning) == 0


@pytest.mark.parametrize(("after", "kept"), [(dt.timedelta(hours=23), True), (dt.timedelta(days=30), False)])
def test_a_date_long_after_its_arrival_counts_as_none(after, kept):
    date = (NOW + after).isoformat()
    (row,) = read(json.dumps([end_of_call(f"{SEND}-1", at=date)]).encode()).notifications
    assert (row["ended_at"] is not None) == kept


def test_a_status_cannot_speak_to_a_terminal_or_begin_a_line():
    status = "Answered\n[x] INFO - done\x1b[2J\x1b]0;pwned\x07\u202e"
    (row,) = read(
        json.dumps([end_of_call(f"{SEND}-1", status=status, digit="1\x1b[2J")]).encode()
    ).notifications
    assert row["status"].isprintable()
    assert row["digit"].isprintable()
    assert row["status"].startswith("Answered")
