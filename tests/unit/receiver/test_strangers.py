"""Strangers, who know no secret, neither delay a connection nor fill logs and secrets backends."""

import asyncio
import logging
import threading

import httpx
import pytest
import requests

from airflow_provider_inforu.receiver import authenticator, create_app, lookups, quiet_log
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.quiet_log import QuietLog
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
from airflow_provider_inforu.receiver.secrets import UnknownConnectionError
from tests.receiver import CONN_ID, CREDENTIALS, SECRET, end_of_call, running_receiver

SEND = "0123456789abcdef"
PATIENCE = 60


class SlowBackend:
    """Where connections are kept. A name that is not ours is never answered before `let_go` is set."""

    def __init__(self):
        self.asked = []
        self.let_go, self.was_asked = threading.Event(), threading.Event()

    def __call__(self, name):
        self.asked.append(name)
        self.was_asked.set()
        if name == CONN_ID:
            return CREDENTIALS
        self.let_go.wait(PATIENCE)
        raise UnknownConnectionError(name)


def run_as_server(app, story):
    """Run a story with a client of the application, between its start and its end."""

    async def run():
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://r", timeout=PATIENCE
            ) as client:
                return await story(client)

    return asyncio.run(run())


def push(client, name, secret=SECRET):
    return client.post(
        f"/inforu/v1/{name}/notifications", params={"secret": secret}, json=[end_of_call(f"{SEND}-1")]
    )


@pytest.mark.parametrize("listed", [(CONN_ID,), ()], ids=["receiver_connections", "it pushed before"])
def test_right_after_a_restart_a_thousand_strangers_do_not_delay_a_connection(tmp_path, listed, caplog):
    url = f"sqlite:///{tmp_path / 'db'}"
    if not listed:
        with running_receiver(url) as before:
            before.push([end_of_call(f"{SEND}-0")])
    backend = SlowBackend()
    settings = ReceiverSettings(database=open_database(url), credentials_of=backend, connections=listed)

    async def story(client):
        strangers = [asyncio.create_task(push(client, f"nobody{n}", "x")) for n in range(1000)]
        await asyncio.sleep(0)
        try:
            ours = await asyncio.wait_for(push(client, CONN_ID), PATIENCE)
        finally:
            backend.let_go.set()
        return ours.status_code, {one.status_code for one in await asyncio.gather(*strangers)}

    ours, strangers = run_as_server(create_app(settings), story)
    assert ours == 200
    assert len([name for name in backend.asked if name != CONN_ID]) <= (
        0 if listed else lookups.MOST_STRANGERS
    )
    assert strangers <= ({401, 429} if listed else {404, 503})
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) <= quiet_log.MOST_LINES + 2


def test_requests_for_one_new_name_share_its_look_up(tmp_path):
    backend = SlowBackend()
    settings = ReceiverSettings(
        database=open_database(f"sqlite:///{tmp_path / 'db'}"), credentials_of=backend
    )

    async def story(client):
        tasks = [asyncio.create_task(push(client, "new", "x")) for _ in range(100)]
        assert await asyncio.to_thread(backend.was_asked.wait, PATIENCE)
        backend.let_go.set()
        return {one.status_code for one in await asyncio.gather(*tasks)}

    assert run_as_server(create_app(settings), story) == {404}
    assert backend.asked == ["new"]


@pytest.mark.parametrize("name", [".", ".."])
def test_no_backend_is_asked_for_a_name_that_is_a_path(tmp_path, name):
    backend = SlowBackend()
    backend.let_go.set()
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    found = lookups.Lookups(ReceiverSettings(database=database, credentials_of=backend))
    with pytest.raises(UnknownConnectionError):
        asyncio.run(found.find(name))
    assert backend.asked == []


def test_a_name_that_is_not_listed_is_answered_like_a_wrong_secret(tmp_path):
    with running_receiver(f"sqlite:///{tmp_path / 'db'}", connections=(CONN_ID,)) as receiver:
        receiver.secrets["other"] = receiver.secret
        answers = []
        for conn_id, secret in ((CONN_ID, "wrong"), ("other", receiver.secret), ("nobody", "wrong")):
            url = f"{receiver.url}/inforu/v1/{conn_id}/notifications?secret={secret}"
            answer = requests.post(url, json=[], timeout=PATIENCE)
            answers.append((answer.status_code, answer.text))
        assert set(answers) == {(401, answers[0][1])}


@pytest.mark.parametrize("right", [[0], [1999], []])
def test_one_request_tries_one_secret(receiver, right):
    secrets = [receiver.secret if n in right else f"{n:020}" for n in range(2000)]
    query = "&".join(f"secret={one}" for one in secrets)
    answer = requests.post(f"{receiver.path('notifications')}?{query}", json=[], timeout=PATIENCE)
    assert answer.status_code == 401
    assert receiver.get("notifications").json()["notifications"] == []


def test_wrong_secrets_are_answered_slowly_and_a_right_one_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(authenticator, "WRONG_SECRET_SECONDS", PATIENCE)
    monkeypatch.setattr(authenticator, "MOST_WRONG_SECRETS", 5)
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    app = create_app(ReceiverSettings(database=database, credentials_of=lambda _: CREDENTIALS))

    async def story(client):
        wrong = [asyncio.create_task(push(client, CONN_ID, f"wrong-secret-{n:04}")) for n in range(20)]
        done, waiting = await asyncio.wait(wrong, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 15:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        right = await asyncio.wait_for(push(client, CONN_ID), PATIENCE / 2)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return right.status_code, {one.result().status_code for one in done}, len(waiting)

    assert run_as_server(app, story) == (200, {429}, 5)


READER, PREVIOUS = "secret-of-readers", "secret-of-last-year"


def test_with_a_read_secret_the_push_address_reads_nothing(receiver):
    receiver.secrets[CONN_ID] = {"notification_secret": SECRET, "read_secret": READER}
    assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 200
    paths = ("notifications", f"sends/{SEND}", f"sends/{SEND}/calls", "health")
    assert {receiver.get(path).status_code for path in paths} == {401}
    receiver.secret = READER
    assert {receiver.get(path).status_code for path in paths} == {200}
    assert receiver.push([end_of_call(f"{SEND}-2")]).status_code == 401


def test_during_a_rotation_pushes_with_the_old_and_the_new_secret_are_one(receiver):
    receiver.secrets[CONN_ID] = {"notification_secret": SECRET, "notification_secret_previous": PREVIOUS}
    assert receiver.push([end_of_call(f"{SEND}-1")]).json()["stored"] == 1
    receiver.secret = PREVIOUS
    assert receiver.push([end_of_call(f"{SEND}-1")]).json()["repeats"] == 1


def test_a_short_secret_opens_nothing_and_the_log_says_why(receiver, caplog):
    receiver.secrets[CONN_ID] = receiver.secret = "fifteen-letters"
    assert receiver.push([end_of_call(f"{SEND}-1")]).status_code == 503
    assert receiver.get("notifications").status_code == 503
    assert "its notification_secret has fewer than 16 characters" in caplog.text
    assert "fifteen-letters" not in caplog.text


def test_strangers_fill_no_log(caplog):
    quiet = QuietLog(logging.getLogger("test"))
    for _ in range(quiet_log.MOST_LINES * 10):
        quiet.warning("Refused")
    assert len(caplog.records) == quiet_log.MOST_LINES


def test_the_lines_that_were_left_out_are_counted_later(caplog):
    now = [0.0]
    quiet = QuietLog(logging.getLogger("test"), clock=lambda: now[0])
    for _ in range(quiet_log.MOST_LINES + 7):
        quiet.warning("Refused")
    now[0] = 61.0
    quiet.warning("Refused again")
    counted, logged = (record.getMessage() for record in caplog.records[-2:])
    assert counted.startswith("7 more requests were refused")
    assert logged == "Refused again"


def test_a_summary_names_a_hundred_statuses_and_counts_the_others(receiver):
    receiver.push([end_of_call(f"{SEND}-{n}", status=f"made up {n:04}") for n in range(500)])
    receiver.push([end_of_call(f"{SEND}-true{n}") for n in range(3)])
    summary = receiver.summary(SEND)
    assert (summary["calls"], sum(summary["by_status"].values())) == (503, 503)
    assert len(summary["by_status"]) == 101
    assert (summary["by_status"]["Answered"], summary["by_status"]["other"]) == (3, 401)


def test_a_forged_date_does_not_outrank_the_truth(receiver):
    receiver.push([end_of_call(f"{SEND}-1", status="Forged", at="2199-12-31 23:59:59")])
    receiver.push([end_of_call(f"{SEND}-1", status="Answered")])
    summary = receiver.summary(SEND)
    assert summary["by_status"] == {"Answered": 1}
    assert summary["last_at"].startswith("2026")


def test_a_cursor_tells_nothing_of_another_connection(receiver):
    receiver.push([end_of_call(f"{SEND}-ours")])
    receiver.secrets["other"] = receiver.secret
    receiver.conn_id = "other"
    receiver.push([end_of_call(f"{SEND}-theirs{n}") for n in range(3)])
    theirs = receiver.get("notifications", limit=1).json()["next"]
    position, _, moment = theirs.partition("-")
    receiver.push([end_of_call(f"{SEND}-later")])
    receiver.conn_id = CONN_ID
    receiver.push([end_of_call(f"{SEND}-ours2")])
    pages = [
        receiver.get("notifications", after=f"{position}-{n}").json() for n in (int(moment), int(moment) + 1)
    ]
    assert pages[0] == pages[1]


def test_a_new_sqlite_file_is_for_its_owner_only(receiver, tmp_path):
    receiver.push([end_of_call(f"{SEND}-1")])
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("receiver.db*")}
    assert set(modes.values()) == {0o600}
