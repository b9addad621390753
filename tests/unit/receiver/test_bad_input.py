"""What may come that should not: the right answer, the good items kept, the rest kept for a person to see."""

import json
import logging
import socket

import pytest
import requests
import sqlalchemy as sa

from airflow_provider_inforu.receiver.tables import calls, notifications, unrecognized
from tests.receiver import end_of_call, running_receiver

SEND = "0123456789abcdef"
PHONE = "0500000001"


def rows(receiver, table):
    with receiver.database.reading() as connection:
        return list(connection.execute(sa.select(table).order_by(table.c.id)))


def is_empty(receiver):
    return not any(rows(receiver, table) for table in (notifications, calls, unrecognized))


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    # The client's own log has what the test asked for.
    caplog.set_level(logging.INFO, "urllib3")
    return caplog


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?secret=", {}),
        ("?secret=wrong-secret", {}),
        ("?secret=%FF%00", {}),
        ("", {"Authorization": "Bearer wrong-secret"}),
        ("", {"Authorization": "Basic a-secret-for-tests"}),
        ("", {"Authorization": "Bearer "}),
        ("", {"X-Inforu-Secret": "wrong-secret"}),
        ("", {"X-Inforu-Secret": "\u00e4"}),
    ],
)
def test_without_the_right_secret_nothing_is_stored(receiver, log, query, headers):
    body = json.dumps({"Data": [end_of_call(f"{SEND}-1")]})
    answer = requests.post(receiver.path("notifications") + query, body, headers=headers, timeout=60)
    assert answer.status_code == 401
    assert "secret" in answer.json()["detail"]
    assert is_empty(receiver)
    assert "wrong-secret" not in log.text + answer.text
    assert receiver.secret not in log.text + answer.text


@pytest.mark.parametrize("path", ["notifications", f"sends/{SEND}", f"sends/{SEND}/calls"])
def test_reading_needs_the_secret_in_a_header(receiver, path):
    url = receiver.path(path)
    assert requests.get(url, timeout=60).status_code == 401
    assert requests.get(url, params={"secret": receiver.secret}, timeout=60).status_code == 401
    for headers in ({"Authorization": f"bearer {receiver.secret}"}, {"X-Inforu-Secret": receiver.secret}):
        assert requests.get(url, headers=headers, timeout=60).status_code == 200


@pytest.mark.parametrize("name", ["Authorization", "X-Inforu-Secret"])
def test_a_proxy_may_send_the_secret_in_a_header(receiver, name):
    value = f"Bearer {receiver.secret}" if name == "Authorization" else receiver.secret
    body = {"Data": [end_of_call(f"{SEND}-1")]}
    answer = requests.post(receiver.path("notifications"), json=body, headers={name: value}, timeout=60)
    assert answer.status_code == 200
    assert receiver.summary(SEND)["calls"] == 1


def test_a_secret_of_any_letters_works_in_the_query(tmp_path):
    secret = "sod \u05e1\u05d5\u05d3 &?#% and more"
    with running_receiver(f"sqlite:///{tmp_path / 'db'}", secret=secret) as receiver:
        url, body = receiver.path("notifications"), {"Data": [end_of_call(f"{SEND}-1")]}
        assert requests.post(url, params={"secret": secret}, json=body, timeout=60).status_code == 200


@pytest.mark.parametrize(
    "conn_id", ["nobody", "a b", "a\nb", "x" * 300, "\N{SNOWMAN}", "..%2F", "%00", ".%2E"]
)
def test_an_unknown_connection_is_not_found(receiver, log, conn_id):
    receiver.conn_id = conn_id
    assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 404
    assert receiver.get(f"sends/{SEND}").status_code == 404
    assert is_empty(receiver)
    assert "\nb" not in log.text


def test_who_shows_no_secret_learns_of_no_connection(receiver):
    known, unknown = (
        requests.post(f"{receiver.url}/inforu/v1/{name}/notifications", timeout=60)
        for name in (receiver.conn_id, "nobody")
    )
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()) == (401, unknown.json())


def test_a_connection_without_a_secret_tells_the_administrator_what_to_set(receiver, log):
    receiver.secrets["bare"] = None
    receiver.conn_id = "bare"
    answer = receiver.push([end_of_call(f"{SEND}-1")])
    assert answer.status_code == 503
    assert "notification_secret" in answer.json()["detail"]
    assert "'bare' completely: it has no notification_secret" in log.text


def test_a_body_that_is_too_large_is_refused_before_it_is_stored(tmp_path):
    with running_receiver(f"sqlite:///{tmp_path / 'db'}", max_body_bytes=1000) as receiver:
        items = [end_of_call(f"{SEND}-{number}") for number in range(10)]
        body = json.dumps(items).encode()
        assert receiver.post(body).status_code == 413
        # In chunks, without a Content-Length.
        answer = requests.post(receiver.push_url, data=iter([body[:500], body[500:]]), timeout=60)
        assert answer.status_code == 413
        assert "receiver_max_body_bytes" in answer.json()["detail"]
        assert is_empty(receiver)
        assert receiver.push(items[:2]).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"\xff\xfe\x00",
        b"null",
        b'"text"',
        b"5",
        json.dumps({"Data": [end_of_call(f"{SEND}-1")]}).encode()[:-9],
        b"[" * 100_000,
        b'{"Data":' * 50_000,
        b"{" + b'"a":{' * 900 + b"}" * 901,
        b'{"Data": [{"Channel": "IVR", "Status": "\\ud800\\u0000"}, "\\ud800\\u0000"]}',
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_kept_for_a_person_to_see(any_receiver, body, log):
    answer = any_receiver.post(body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    (kept,) = rows(any_receiver, unrecognized)
    assert kept.conn_id == any_receiver.conn_id
    assert "inforu_unrecognized" in log.text
    assert any_receiver.post(body).json()["repeats"] >= 1
    assert len(rows(any_receiver, unrecognized)) == 1


def test_an_unrecognized_payload_shows_what_came_without_the_phone(receiver):
    receiver.post(b'{"Data": [{"Channel": "IVR", "Value": "0500000001", "Status": "Answ')
    (kept,) = rows(receiver, unrecognized)
    assert '"Status": "Answ' in kept.content
    assert PHONE not in kept.content


def test_a_long_unrecognized_payload_is_cut_and_says_so(receiver):
    receiver.post(b"x" * 100_000)
    (kept,) = rows(receiver, unrecognized)
    assert len(kept.content) < 66_000
    assert kept.content.endswith("\u2026 and 34464 characters more")


def test_the_good_items_of_a_list_are_kept(any_receiver):
    items = [None, end_of_call(f"{SEND}-1"), "text", {}, [], 5, end_of_call(f"{SEND}-2"), {"Channel": "IVR"}]
    assert any_receiver.push(items).json() == {"stored": 3, "repeats": 0, "unrecognized": 5}
    assert any_receiver.summary(SEND)["calls"] == 2
    assert sorted(row.content for row in rows(any_receiver, unrecognized)) == [
        "5",
        "[]",
        "null",
        "text",
        "{}",
    ]


def test_unknown_statuses_are_kept_as_they_came(receiver):
    receiver.push(
        [
            end_of_call(f"{SEND}-{n}", status=status)
            for n, status in enumerate(["Busy", "\u05ea\u05e4\u05d5\u05e1", "", None, 7])
        ]
    )
    assert receiver.summary(SEND)["by_status"] == {"": 2, "7": 1, "Busy": 1, "\u05ea\u05e4\u05d5\u05e1": 1}
    assert [one["status"] for one in receiver.get(f"sends/{SEND}/calls").json()["calls"]] == [
        "Busy",
        "\u05ea\u05e4\u05d5\u05e1",
        None,
        None,
        "7",
    ]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (
            b'{"CustomerId": 2, "Data": [{"Channel": "SMS_MO", "Value": "0500000001", "Message": "hello"}]}',
            "application/json",
        ),
        (b'[{"PhoneNumber": "0500000001", "Status": "2", "Message": "hello"}]', "application/json"),
        (b"PhoneNumber=0500000001&Status=2&Message=hello", "application/x-www-form-urlencoded"),
        (
            b'{"Data": [{"Channel":"IVR", "EventName":"Ringing", "Value": "0500000001", "Note": "hello"}]}',
            "application/json",
        ),
    ],
    ids=["incoming message", "bare array", "form", "another event of a call"],
)
def test_what_is_no_end_of_a_voice_call_is_answered_and_kept_raw(any_receiver, body, content_type):
    answer = any_receiver.post(body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["unrecognized"]) == (200, 1)
    (kept,) = rows(any_receiver, unrecognized)
    assert "hello" in kept.content
    assert PHONE not in kept.content
    assert any_receiver.get("notifications").json()["notifications"] == []


def test_numbers_where_strings_were_are_read(any_receiver):
    item = end_of_call(f"{SEND}-1", status=1, digit=0, phone=500000001)
    any_receiver.push([{**item, "CampaignID": "218", "ListeningDuration": 75}])
    any_receiver.push([{**item, "CustomerMessageID": 77, "CampaignID": 10**30, "ListeningDuration": 10**25}])
    (call,) = any_receiver.get(f"sends/{SEND}/calls").json()["calls"]
    assert (call["status"], call["digit"], call["campaign_id"], call["seconds"]) == ("1", "0", 218, 75)
    other = any_receiver.get("notifications").json()["notifications"][1]
    assert (other["send_id"], other["campaign_id"], other["seconds"]) == (None, None, None)


def test_an_empty_message_id_belongs_to_no_send(receiver):
    receiver.push([end_of_call(""), end_of_call(None), end_of_call(SEND), end_of_call(f"{SEND}-")])
    feed = receiver.get("notifications").json()["notifications"]
    assert [(one["send_id"], one["key"]) for one in feed] == [(None, None)] * 4
    assert rows(receiver, calls) == []


def test_a_message_id_is_ours_whatever_its_key_holds(receiver):
    keys = ["1", "a-b", "123456789", "\u05d3\u05e0\u05d4 1", "x" * 100]
    receiver.push([end_of_call(f"{SEND.upper()}-{key}") for key in keys])
    receiver.push([end_of_call(f"{SEND}-{'x' * 101}"), end_of_call(f"{SEND}-a\nb")])
    assert [one["key"] for one in receiver.get(f"sends/{SEND}/calls").json()["calls"]] == keys


@pytest.mark.parametrize("how", ["masked", "full"])
def test_a_phone_as_digit_status_or_key_reaches_no_reader(tmp_path, how):
    with running_receiver(f"sqlite:///{tmp_path / 'db'}", store_phones=how) as receiver:
        receiver.push(
            [
                end_of_call(f"{SEND}-1", digit=PHONE, status=f"to {PHONE}"),
                end_of_call(f"2222222222222222-{PHONE}"),
                end_of_call(f"{SEND}-+972-50-0000001"),
            ]
        )
        paths = ("notifications", f"sends/{SEND}", f"sends/{SEND}/calls", "sends/2222222222222222/calls")
        answers = "".join(receiver.get(path).text for path in paths)
        assert "+972" not in answers
        assert PHONE.removeprefix("0") not in answers.replace("-", "")
        feed = receiver.get("notifications").json()["notifications"]
        assert [(one["send_id"], one["key"]) for one in feed] == [(SEND, "1"), (None, None), (None, None)]
        assert receiver.summary(SEND)["by_digit"] == {"other": 1}


def test_a_summary_counts_keys_of_a_telephone_and_all_else_as_other(receiver):
    digits = ["1", "1", "*", "#", 0, "12", "yes", "\N{ARABIC-INDIC DIGIT ONE}"]
    receiver.push([end_of_call(f"{SEND}-{n}", digit=digit) for n, digit in enumerate(digits)])
    assert receiver.summary(SEND)["by_digit"] == {"#": 1, "*": 1, "0": 1, "1": 2, "other": 3}
    calls = receiver.get(f"sends/{SEND}/calls").json()["calls"]
    assert [one["digit"] for one in calls] == [str(digit) for digit in digits]


@pytest.mark.parametrize(
    ("date", "ended_at"),
    [
        ("2026-03-27 02:30:00", "2026-03-27T00:30:00+00:00"),
        ("2026-10-25 01:30:00", "2026-10-24T22:30:00+00:00"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00+00:00"),
        ("2026-02-30 10:00:00", None),
        ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00+00:00"),
        ("0001-01-01 00:00:00", None),
        ("9999-12-31 23:59:59", None),
        ("yesterday", None),
        (1768471200, None),
    ],
)
def test_dates_that_are_none_or_happen_twice_do_no_harm(any_receiver, date, ended_at):
    any_receiver.push([end_of_call(f"{SEND}-1", at=date)])
    (call,) = any_receiver.get(f"sends/{SEND}/calls").json()["calls"]
    assert call["ended_at"] == ended_at
    assert any_receiver.summary(SEND)["first_at"] == ended_at


@pytest.mark.postgres
def test_an_extreme_date_harms_no_reader_whatever_the_zone_of_the_database(postgres_url):
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        name = connection.scalar(sa.text("SELECT current_database()"))
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone TO 'Asia/Jerusalem'")
    engine.dispose()
    with running_receiver(postgres_url) as receiver:
        dates = ["9999-12-31T23:30:00Z", "0001-01-01T00:30:00+00:00", "2026-01-15 12:00:00"]
        receiver.push([end_of_call(f"{SEND}-1", at=date, digit=n) for n, date in enumerate(dates)])
        feed = receiver.get("notifications").json()["notifications"]
        assert [one["ended_at"] for one in feed] == [None, None, "2026-01-15T10:00:00+00:00"]
        assert receiver.summary(SEND)["last_at"] == "2026-01-15T10:00:00+00:00"
        (call,) = receiver.get(f"sends/{SEND}/calls").json()["calls"]
        assert call["digit"] == "2"


@pytest.mark.long
def test_ten_thousand_items_come_at_once(any_receiver):
    items = [end_of_call(f"{SEND}-{n}", status="Busy" if n % 10 == 0 else "Answered") for n in range(10_000)]
    assert any_receiver.push(items).json() == {"stored": 10_000, "repeats": 0, "unrecognized": 0}
    assert any_receiver.push(items).json()["repeats"] == 10_000
    summary = any_receiver.summary(SEND)
    assert (summary["calls"], summary["by_status"]) == (10_000, {"Answered": 9000, "Busy": 1000})
    keys = [one["key"] for one in any_receiver.pages(f"sends/{SEND}/calls", "calls")]
    assert keys == [str(number) for number in range(10_000)]
    assert len(any_receiver.pages("notifications", "notifications")) == 10_000


def test_with_the_database_away_nothing_is_half_stored_and_all_works_when_it_is_back(tmp_path, log):
    folder = tmp_path / "away"
    folder.mkdir()
    with running_receiver(f"sqlite:///{folder / 'receiver.db'}") as receiver:
        receiver.push([end_of_call(f"{SEND}-1")])
        with receiver.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE inforu_call RENAME TO away")
        answer = receiver.push([end_of_call(f"{SEND}-2"), "unreadable"])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert receiver.get(f"sends/{SEND}").status_code == 503
        with receiver.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO inforu_call")
        assert len(rows(receiver, notifications)) == 1
        assert rows(receiver, unrecognized) == []
        assert receiver.push([end_of_call(f"{SEND}-2")]).json()["stored"] == 1
        assert receiver.summary(SEND)["calls"] == 2
    assert "no such table" in log.text
    assert "Traceback" not in log.text


def test_a_receiver_that_starts_before_its_database_works_when_that_is_there(tmp_path):
    with running_receiver(f"sqlite:///{tmp_path / 'later' / 'receiver.db'}") as receiver:
        answer = receiver.push([end_of_call(f"{SEND}-1")])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        (tmp_path / "later").mkdir()
        assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200
        assert receiver.summary(SEND)["calls"] == 1


@pytest.mark.postgres
def test_a_database_server_that_went_away_is_found_again(postgres_url):
    with running_receiver(postgres_url) as receiver:
        assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200
        engine = sa.create_engine(postgres_url)
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        engine.dispose()
        assert receiver.push([end_of_call(f"{SEND}-2")]).status_code == 200
        assert receiver.summary(SEND)["calls"] == 2


def test_a_client_that_goes_away_in_the_middle_does_no_harm(receiver):
    host, port = receiver.url.removeprefix("http://").split(":")
    path = receiver.push_url.removeprefix(receiver.url)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200
    assert len(rows(receiver, notifications)) == 1
    assert rows(receiver, unrecognized) == []


@pytest.mark.parametrize(("how", "stored"), [("masked", "*******001"), ("full", PHONE), ("none", None)])
def test_phones_are_stored_as_the_administrator_wants(tmp_path, how, stored):
    with running_receiver(f"sqlite:///{tmp_path / 'db'}", store_phones=how) as receiver:
        receiver.push([end_of_call(PHONE), {"Channel": "SMS", "Value": PHONE}])
        (notification,) = rows(receiver, notifications)
        assert notification.phone == stored
        assert (PHONE in (notification.message_id or "")) == (how == "full")
        (payload,) = rows(receiver, unrecognized)
        assert (PHONE in payload.content) == (how == "full")


def test_neither_answers_nor_logs_nor_the_file_hold_a_phone(receiver, tmp_path, log):
    receiver.push([end_of_call(f"{SEND}-1"), end_of_call(status=f"called {PHONE}"), {"Value": PHONE}, PHONE])
    answers = [receiver.get(path).text for path in ("notifications", f"sends/{SEND}", f"sends/{SEND}/calls")]
    assert PHONE not in "".join(answers) + log.text
    assert receiver.secret not in "".join(answers) + log.text
    files = list(tmp_path.glob("receiver.db*"))
    assert files
    for file in files:
        assert PHONE.encode() not in file.read_bytes()


def test_an_unknown_path_is_not_found(receiver):
    assert requests.get(f"{receiver.url}/inforu/v1/x/y", timeout=60).status_code == 404
    assert requests.get(f"{receiver.url}/docs", timeout=60).status_code == 404
