import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.notifications import parse_push

GUIDE = """
{ "CustomerId": 2, "ProjectId": 30253, "UserId": 30253,
  "Data": [ { "Channel": "IVR", "Type": "PhoneNumber", "Value": "0585007010", "EventName": "EndOfCall",
              "CampaignID": 217, "CustomerMessageID": "", "Status": "Answered", "ListeningDuration": "00:08",
              "Digit": "", "DateTime": "2019-04-30 15:27:07" },
            { "Channel": "IVR", "Type": "PhoneNumber", "Value": "0732224528", "EventName": "EndOfCall",
              "CampaignID": 218, "CustomerMessageID": "", "Status": "Answered", "ListeningDuration": "00:06",
              "Digit": "", "DateTime": "2019-04-30 15:27:07" } ] }
"""


def one(**fields):
    push = parse_push(json.dumps({"Data": [fields]}).encode())
    assert push.unreadable == []
    return push.notifications[0]


def test_the_guides_example_is_read():
    first, second = parse_push(GUIDE.encode()).notifications
    assert (first.channel, first.event, first.phone) == ("IVR", "EndOfCall", "0585007010")
    assert (first.campaign_id, first.message_id, first.status) == (217, None, "Answered")
    assert (first.seconds, first.digit, first.is_end_of_call) == (8, None, True)
    assert first.ended_at == dt.datetime(2019, 4, 30, 12, 27, 7, tzinfo=dt.UTC)
    assert (second.phone, second.campaign_id, second.seconds) == ("0732224528", 218, 6)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"channel": "IVR", "customermessageid": 7}]}',
        b'[{"Channel": "IVR", "CustomerMessageID": "7"}]',
        b'{"Channel": "IVR", "CustomerMessageId": 7}',
        b'{"Data": {"Channel": "IVR", "CustomerMessageID": 7}}',
        b'\xef\xbb\xbf{"Data": [{"Channel": "IVR", "CustomerMessageID": 7}]}',
    ],
)
def test_every_known_shape_of_body_is_read(body):
    (notification,) = parse_push(body).notifications
    assert (notification.channel, notification.message_id) == ("IVR", "7")


def test_a_form_is_read():
    push = parse_push(
        b"Channel=SMS&Status=2&PhoneNumber=0500000001", "application/x-www-form-urlencoded; charset=utf-8"
    )
    assert push.notifications[0].channel == "SMS"
    assert push.notifications[0].raw["PhoneNumber"] == "0500000001"
    assert not push.notifications[0].is_end_of_call


def test_one_bad_item_does_not_lose_the_others():
    push = parse_push(b'{"Data": [null, {"Channel": "IVR"}, "x", {}, 5]}')
    assert [item.channel for item in push.notifications] == ["IVR"]
    assert push.unreadable == [None, "x", {}, 5]


@pytest.mark.parametrize("field", ["CampaignID", "ListeningDuration", "Other"])
def test_a_number_that_nobody_can_read_does_not_lose_the_others(field):
    body = f'{{"Data": [{{"Channel": "IVR"}}, {{"Channel": "IVR", "{field}": {"9" * 5000}}}]}}'
    push = parse_push(body.encode())
    assert [item.is_end_of_call for item in push.notifications] == [True, True]
    assert (push.notifications[1].campaign_id, push.notifications[1].seconds) == (None, None)


def test_letter_case_and_white_space_around_words_do_not_matter():
    notification = one(Channel=" ivr", EventName="endofcall ", CustomerMessageID=" 0123456789abcdef-1\n")
    assert notification.is_end_of_call
    assert notification.message_id == "0123456789abcdef-1"
    assert one(Channel="IVR", CustomerMessageID="  ").message_id is None


@pytest.mark.parametrize("body", [b"", b"not json", b'{"Data": [', b"\xff\xfe", b"5", b"null"])
def test_a_body_that_cannot_be_read_is_kept_for_a_person_to_see(body):
    push = parse_push(body)
    assert push.notifications == []
    assert len(push.unreadable) == 1


def test_unknown_values_are_kept_as_they_came():
    notification = one(Channel="IVR", Status="Maybe", EventName="SomethingNew", Digit=3)
    assert (notification.status, notification.event, notification.digit) == ("Maybe", "SomethingNew", "3")
    assert not notification.is_end_of_call


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("00:08", 8),
        ("12:34", 754),
        ("1:00:01", 3601),
        (9, 9),
        ("9", 9),
        ("", None),
        ("soon", None),
        (None, None),
    ],
)
def test_durations_are_seconds(duration, seconds):
    assert one(Channel="IVR", ListeningDuration=duration).seconds == seconds


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-15 12:00:00", "2026-01-15T10:00:00"),
        ("2026-07-15 12:00:00", "2026-07-15T09:00:00"),
        ("2026-03-27 02:30:00", "2026-03-27T00:30:00"),
        ("2026-10-25 01:30:00", "2026-10-24T22:30:00"),
        ("2026-01-15T12:00:00+00:00", "2026-01-15T12:00:00"),
    ],
)
def test_israels_local_time_becomes_utc_around_daylight_saving_too(text, utc):
    assert one(Channel="IVR", DateTime=text).ended_at == dt.datetime.fromisoformat(utc + "+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30 10:00:00",
        "0001-01-01 00:00:00",
        "1999-12-31 23:59:59",
        "2200-01-01 12:00:00",
        "9999-12-31T23:30:00-05:00",
        None,
        5,
    ],
)
def test_a_date_that_does_not_exist_is_no_date(text):
    assert one(Channel="IVR", DateTime=text).ended_at is None


def test_the_repr_of_a_notification_shows_no_phone():
    assert "0585007010" not in repr(parse_push(GUIDE.encode()))


@given(
    st.binary(max_size=200), st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""])
)
def test_no_body_raises(body, content_type):
    push = parse_push(body, content_type)
    assert isinstance(push.notifications, list)
    assert isinstance(push.unreadable, list)
