"""The receiver removes what is old by itself."""

import asyncio
import datetime as dt
import json
import threading

import pytest

from airflow_provider_inforu.receiver import create_app, housekeeping
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.receiver.push_parser import PushParser
from airflow_provider_inforu.receiver.reading import Reader
from airflow_provider_inforu.receiver.receiver_settings import ReceiverSettings
from airflow_provider_inforu.receiver.store import Store
from tests.receiver import CREDENTIALS, end_of_call

SEND, OLD_SEND = "0123456789abcdef", "1123456789abcdef"


@pytest.mark.parametrize(("days", "left"), [(90, 0), (None, 1)])
def test_a_running_receiver_prunes_for_as_long_as_it_is_told_to(tmp_path, monkeypatch, days, left):
    monkeypatch.setattr(housekeeping, "FIRST_SECONDS", 0.0)
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    now = dt.datetime.now(dt.UTC)
    for send, when in ((OLD_SEND, now - dt.timedelta(days=100)), (SEND, now)):
        rows = PushParser("c", "secret", "masked").read(
            json.dumps([end_of_call(f"{send}-1")]).encode(), "", when
        )
        Store(database).add("c", rows, when)
    pruned = threading.Event()
    prune_once = housekeeping._prune_once
    monkeypatch.setattr(housekeeping, "_prune_once", lambda *args: (prune_once(*args), pruned.set()))
    app = create_app(
        ReceiverSettings(database=database, credentials_of=lambda _: CREDENTIALS, retention_days=days)
    )

    async def run():
        async with app.router.lifespan_context(app):
            if days:
                await asyncio.to_thread(pruned.wait, 60)

    asyncio.run(asyncio.wait_for(run(), 60))
    reader = Reader(database)
    assert (reader.summary("c", OLD_SEND)["calls"], reader.summary("c", SEND)["calls"]) == (left, 1)
    database.close()


def test_a_database_that_is_away_does_not_end_the_receiver(caplog):
    database = open_database("sqlite:////nowhere/at/all")
    housekeeping._prune_once(database, 90)
    assert "could not be removed (OperationalError)" in caplog.text
