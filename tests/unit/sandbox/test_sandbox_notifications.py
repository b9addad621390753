"""Notifications that the sandbox pushes."""

from __future__ import annotations

import re

import requests


def test_the_end_of_a_call_is_pushed_in_the_guides_envelope(send, sandbox, receiver, wait_for):
    sandbox.update_settings(notification_url=receiver.url, call_seconds=0)
    campaign_id = send("0500000002").json()["Data"]["CampaignID"]
    wait_for(lambda: receiver.bodies)

    [body] = receiver.bodies
    assert list(body) == ["CustomerId", "ProjectId", "UserId", "Data"]
    assert all(isinstance(body[name], int) for name in ("CustomerId", "ProjectId", "UserId"))
    [item] = body["Data"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", item.pop("DateTime"))
    assert item == {
        "Channel": "IVR",
        "Type": "PhoneNumber",
        "Value": "0500000002",
        "EventName": "EndOfCall",
        "CampaignID": campaign_id,
        "CustomerMessageID": "m0",
        "Status": "Answered",
        "ListeningDuration": "00:08",
        "Digit": "1",
    }
    [push] = wait_for(sandbox.pushes)
    assert (push["notifications"], push["http_status"], push["error"]) == (1, 200, None)


def test_nothing_is_pushed_by_default_nor_for_a_call_that_never_reports(send, sandbox, receiver, wait_for):
    sandbox.update_settings(call_seconds=0)
    send("0500000001")
    wait_for(lambda: not sandbox._account.state.calls._unreported)
    sandbox.update_settings(notification_url=receiver.url)
    send("0500000005", "0500000003")
    wait_for(lambda: receiver.items)
    assert [item["Value"] for item in receiver.items] == ["0500000003"]


def test_notifications_go_in_batches_of_the_size_that_is_set(send, sandbox, receiver, wait_for):
    sandbox.update_settings(notification_url=receiver.url, notification_batch_size=10, call_seconds=0)
    send(*[f"05312{number:05}" for number in range(10, 35)])
    wait_for(lambda: len(receiver.items) == 25)
    assert [len(body["Data"]) for body in receiver.bodies] == [10, 10, 5]
    assert receiver.message_ids == [f"m{number}" for number in range(25)]


def test_notifications_can_be_repeated(send, sandbox, receiver, wait_for):
    sandbox.update_settings(notification_url=receiver.url, notification_repeat=3, call_seconds=0)
    send("0500000001", "0500000002")
    wait_for(lambda: len(receiver.items) == 6)
    assert receiver.message_ids == ["m0", "m1"] * 3


def test_notifications_can_be_reordered(send, sandbox, receiver, wait_for):
    sandbox.update_settings(notification_url=receiver.url, notification_reorder=True, call_seconds=0)
    send(*[f"05312{number:05}" for number in range(10, 60)])
    wait_for(lambda: len(receiver.items) == 50)
    in_order = [f"m{number}" for number in range(50)]
    assert receiver.message_ids != in_order
    assert sorted(receiver.message_ids) == sorted(in_order)


def test_notifications_can_be_late(send, sandbox, receiver, wait_for):
    sandbox.update_settings(notification_url=receiver.url, notification_delay=3600, call_seconds=0)
    send("0500000001")
    assert sandbox.calls()[0]["status"] == "Answered"
    assert receiver.bodies == []
    sandbox.update_settings(notification_delay=0.1)
    wait_for(lambda: receiver.bodies)


def test_a_burst_holds_notifications_back_and_pushes_them_together(send, sandbox, receiver, wait_for):
    sandbox.update_settings(
        notification_url=receiver.url,
        notification_burst_seconds=3600,
        notification_batch_size=2,
        call_seconds=0,
    )
    send("0500000001", "0500000002")
    send("0500000003", "0500000004")
    assert receiver.bodies == []
    sandbox.update_settings(notification_burst_seconds=0.1)
    wait_for(lambda: len(receiver.bodies) == 2)
    assert sorted(receiver.message_ids) == ["m0", "m0", "m1", "m1"]


def test_a_push_that_fails_is_recorded_without_the_url_and_harms_nothing(send, sandbox, wait_for):
    sandbox.update_settings(notification_url="http://127.0.0.1:1/?secret=s", call_seconds=0)
    send("0500000001")
    [push] = wait_for(sandbox.pushes)
    assert (push["notifications"], push["http_status"], push["error"]) == (1, None, "ConnectionError")
    pushes = requests.get(f"{sandbox.url}/_sandbox/pushes", timeout=20)
    assert "secret" not in pushes.text
    assert send("0500000001").status_code == 200


def test_pushing_goes_on_after_an_address_that_cannot_be(send, sandbox, receiver, wait_for):
    sandbox.update_settings(notification_url="http://[", call_seconds=0)
    send("0500000001")
    wait_for(sandbox.pushes)
    sandbox.update_settings(notification_url=receiver.url)
    send("0500000002")
    wait_for(lambda: receiver.bodies)
    assert "0500000002" in str(receiver.bodies)
