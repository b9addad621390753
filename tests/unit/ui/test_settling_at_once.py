"""Two people settle the same send at once, each through an API server of its own."""

import time
from contextlib import ExitStack
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from airflow.models.task_state_store import TaskStateStoreModel

from airflow_provider_inforu.ledger.settling import settle
from airflow_provider_inforu.receiver.database import open_database
from airflow_provider_inforu.ui import airflow_calls
from airflow_provider_inforu.ui.airflow_calls import AirflowCalls
from airflow_provider_inforu.ui.call_views import SettleRefusedError
from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes
from tests.airflow_database import airflow_on
from tests.integration.conftest import new_postgres_database
from tests.unit.ui.stored_sends import see_requests, store_sends

COUNTS = {"accepted": 150, "rejected": 100, "in_doubt": 100}
CHOICES = ("accept", "resend")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def airflow_database(request, tmp_path):
    with ExitStack() as running:
        url = f"sqlite:///{tmp_path / 'airflow.db'}"
        if request.param == "postgres":
            url = running.enter_context(new_postgres_database())
        yield running.enter_context(airflow_on(url))


def settle_slowly(*arguments):
    time.sleep(0.5)  # a second person would read the ledger before the decision is written
    return settle(*arguments)


def test_of_two_decisions_at_once_one_is_recorded_and_the_other_is_refused(
    airflow_database, tmp_path, monkeypatch
):
    monkeypatch.setattr(airflow_calls, "settle", settle_slowly)
    ((task, _),) = store_sends(["a"], counts=COUNTS)
    received = ReceivedOutcomes(open_database(f"sqlite:///{tmp_path / 'receiver.db'}"), None)
    servers = {choice: AirflowCalls(received, "") for choice in CHOICES}
    requests = {2: see_requests(servers["accept"], task)[2]}
    together, recorded, refused = Barrier(len(CHOICES), timeout=30), [], {}

    def settle_in_time(choice):
        shown = servers[choice].find_send(task)
        together.wait()
        try:
            servers[choice].settle(shown, choice, requests)
        except Exception as error:
            refused[choice] = error
        else:
            recorded.append(choice)

    threads = [Thread(target=settle_in_time, args=(choice,)) for choice in CHOICES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    (choice,), (error,) = recorded, refused.values()
    assert isinstance(error, SettleRefusedError)
    assert "The batches in doubt are no longer the same. Nothing was changed." in str(error)
    with airflow_database.connect() as connection:
        decisions = list(
            connection.scalars(
                sa.select(TaskStateStoreModel.value).where(TaskStateStoreModel.key.like("%.decision.%"))
            )
        )
    assert len(decisions) == 1
    assert choice in decisions[0]
    counts = servers["accept"].find_send(task).counts
    assert (counts.in_doubt, counts.accepted) == (0, 200 if choice == "accept" else 100)
