import pytest

from tests.receiver import end_of_call

SEND = "0123456789abcdef"


def test_a_push_is_stored_and_the_send_summed_up(any_receiver):
    answer = any_receiver.push(
        [
            end_of_call(f"{SEND}-1", digit="1"),
            end_of_call(f"{SEND}-2", digit=2, at="2026-01-15 12:00:09"),
            end_of_call(f"{SEND}-3", status="NoAnswer", at="2026-01-15 12:01:00"),
        ]
    )
    assert (answer.status_code, answer.json()) == (200, {"stored": 3, "repeats": 0, "unrecognized": 0})
    assert any_receiver.summary(SEND) == {
        "send_id": SEND,
        "calls": 3,
        "by_status": {"Answered": 2, "NoAnswer": 1},
        "by_digit": {"1": 1, "2": 1},
        "first_at": "2026-01-15T10:00:00+00:00",
        "last_at": "2026-01-15T10:01:00+00:00",
    }


def test_a_send_that_nobody_heard_of_has_zeros(any_receiver):
    for send_id in (SEND, "no-send", "%00", "\N{SNOWMAN}"):
        answer = any_receiver.get(f"sends/{send_id}")
        assert answer.status_code == 200
        assert {**answer.json(), "send_id": None} == {
            "send_id": None,
            "calls": 0,
            "by_status": {},
            "by_digit": {},
            "first_at": None,
            "last_at": None,
        }


def test_calls_come_by_key_in_pages(any_receiver):
    any_receiver.push([end_of_call(f"{SEND}-{number}", digit=number % 3) for number in range(7)])
    first = any_receiver.get(f"sends/{SEND}/calls", limit=3).json()
    assert [call["key"] for call in first["calls"]] == ["0", "1", "2"]
    assert first["calls"][0] == {
        "key": "0",
        "status": "Answered",
        "seconds": 8,
        "digit": "0",
        "campaign_id": 217,
        "ended_at": "2026-01-15T10:00:00+00:00",
    }
    assert len(any_receiver.pages(f"sends/{SEND}/calls", "calls", limit=3)) == 7
    exact = any_receiver.get(f"sends/{SEND}/calls", limit=7).json()
    assert (len(exact["calls"]), exact["next"]) == (7, None)


def test_calls_can_be_asked_for_by_status(any_receiver):
    any_receiver.push([end_of_call(f"{SEND}-{n}", status="Busy" if n % 2 else "Answered") for n in range(6)])
    assert [
        one["key"] for one in any_receiver.pages(f"sends/{SEND}/calls", "calls", status="Busy", limit=2)
    ] == [
        "1",
        "3",
        "5",
    ]
    assert any_receiver.get(f"sends/{SEND}/calls", status="\0").json() == {"calls": [], "next": None}


def test_calls_without_a_status_can_be_asked_for_by_the_name_that_the_summary_gives_them(any_receiver):
    any_receiver.push(
        [end_of_call(f"{SEND}-{n}", status=status) for n, status in enumerate(["Busy", "", None])]
    )
    assert any_receiver.summary(SEND)["by_status"] == {"": 2, "Busy": 1}
    calls = any_receiver.get(f"sends/{SEND}/calls", status="").json()["calls"]
    assert [(one["key"], one["status"]) for one in calls] == [("1", None), ("2", None)]


def test_the_feed_gives_all_voice_notifications_in_the_order_of_arrival(any_receiver):
    any_receiver.push([end_of_call(f"{SEND}-1"), end_of_call("somebody else's")])
    feed = any_receiver.get("notifications").json()
    assert [(one["send_id"], one["key"]) for one in feed["notifications"]] == [(SEND, "1"), (None, None)]
    assert feed["notifications"][0]["received_at"].endswith("+00:00")
    again = any_receiver.get("notifications", after=feed["next"]).json()
    assert again == {"notifications": [], "next": feed["next"]}
    any_receiver.push([end_of_call(f"{SEND}-2")])
    later = any_receiver.get("notifications", after=feed["next"]).json()
    assert [one["key"] for one in later["notifications"]] == ["2"]


def test_the_feed_can_begin_with_now(any_receiver):
    assert any_receiver.get("notifications", after="latest").json() == {"notifications": [], "next": "0"}
    any_receiver.push([end_of_call(f"{SEND}-1")])
    now = any_receiver.get("notifications", after="latest").json()
    assert now["notifications"] == []
    any_receiver.push([end_of_call(f"{SEND}-2")])
    later = any_receiver.get("notifications", after=now["next"]).json()
    assert [one["key"] for one in later["notifications"]] == ["2"]


def test_after_a_database_was_made_anew_the_feed_begins_anew_and_says_so(any_receiver, caplog):
    any_receiver.push([end_of_call(f"{SEND}-{n}") for n in range(5)])
    kept = any_receiver.get("notifications").json()["next"]
    beyond = f"100-{kept.partition('-')[2]}"
    same_id = f"3-{kept.partition('-')[2][:-1]}"
    assert kept not in (beyond, same_id)
    for cursor in (beyond, "100", same_id):
        answer = any_receiver.get("notifications", after=cursor).json()
        assert [one["key"] for one in answer["notifications"]] == ["0", "1", "2", "3", "4"]
        assert answer["next"] == kept
        assert "of another database" in caplog.text
        caplog.clear()
    assert any_receiver.get("notifications", after=kept).json()["notifications"] == []
    assert any_receiver.get("notifications", after="3").json()["notifications"][0]["key"] == "3"
    assert caplog.text == ""


def test_in_a_database_made_anew_and_empty_the_place_is_kept_until_something_comes(any_receiver):
    assert any_receiver.get("notifications", after="100-5").json() == {"notifications": [], "next": "100-5"}
    any_receiver.push([end_of_call(f"{SEND}-1")])
    answer = any_receiver.get("notifications", after="100-5").json()
    assert [one["key"] for one in answer["notifications"]] == ["1"]


@pytest.mark.parametrize("order", [1, -1])
def test_parts_of_a_second_count_where_the_vendor_gives_them(any_receiver, order):
    early = end_of_call(f"{SEND}-1", digit="1", at="2026-01-15 12:00:00.1", ListeningDuration="00:09")
    late = end_of_call(f"{SEND}-1", digit="2", at="2026-01-15 12:00:00.2")
    for item in [early, late][::order]:
        any_receiver.push([item])
    assert any_receiver.summary(SEND)["by_digit"] == {"2": 1}


def test_a_repeat_is_counted_once(any_receiver):
    items = [end_of_call(f"{SEND}-1"), end_of_call(f"{SEND}-2")]
    any_receiver.push(items + items)
    answer = any_receiver.push(items[::-1])
    assert answer.json() == {"stored": 0, "repeats": 2, "unrecognized": 0}
    assert any_receiver.summary(SEND)["calls"] == 2
    assert len(any_receiver.get("notifications").json()["notifications"]) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_notifications_of_a_call_the_one_that_ended_last_counts(any_receiver, order):
    early = end_of_call(f"{SEND}-1", status="Busy", at="2026-01-15 12:00:00")
    late = end_of_call(f"{SEND}-1", status="Answered", digit="2", at="2026-01-15 12:05:00")
    for item in [early, late][::order]:
        any_receiver.push([item])
    assert any_receiver.summary(SEND)["by_status"] == {"Answered": 1}
    (call,) = any_receiver.get(f"sends/{SEND}/calls").json()["calls"]
    assert (call["digit"], call["ended_at"]) == ("2", "2026-01-15T10:05:00+00:00")


@pytest.mark.parametrize(
    "parameters",
    [{"after": "x"}, {"after": "-1"}, {"after": "1-"}, {"after": "9" * 30}, {"limit": 0}, {"limit": 1001}],
)
def test_parameters_that_cannot_be_are_explained(any_receiver, parameters):
    for path in ("notifications", f"sends/{SEND}/calls"):
        answer = any_receiver.get(path, **parameters)
        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], str)
