"""The list of sends and the filter "Needs a person", from the tables of Airflow."""

import datetime as dt

import pytest
import sqlalchemy as sa
from airflow import settings

from airflow_provider_inforu.ledger.settling import read_or_refuse, settle
from airflow_provider_inforu.receiver.tables import sources
from airflow_provider_inforu.ui import airflow_calls
from airflow_provider_inforu.ui.airflow_calls import AirflowCalls
from airflow_provider_inforu.ui.call_views import PAGE_SIZE, SendFilter
from airflow_provider_inforu.ui.send_index import find_stored_send
from airflow_provider_inforu.ui.task_states import lock_task, read_task_states
from tests.unit.ui.stored_sends import DOUBT, decide, store_sends

NEEDS_PERSON = SendFilter(needs_person=True)
IN_DOUBT = {"accepted": 150, "rejected": 100, "in_doubt": 100}


def settle_in_a_shell(task):
    """Settle the send of a task as the command line does: it writes the ledger only."""
    with lock_task(task) as (session, _):
        (store,) = read_task_states([find_stored_send(task)], session)
        settle(store, read_or_refuse(store)[1], "accept", [2])


def tasks(found):
    return [send.task for send in found.sends]


def test_each_send_is_on_one_page_the_newest_first(airflow):
    stored = [store_sends(["a"])[0][0] for _ in range(2)]
    stored += [task for task, _ in store_sends(["a"] * (2 * PAGE_SIZE - 1))]
    pages = [airflow.list_sends({"a"}, SendFilter(), page) for page in (1, 2, 3, 4)]
    assert [len(one.sends) for one in pages] == [PAGE_SIZE, PAGE_SIZE, 1, 0]
    assert {one.total for one in pages} == {len(stored)}
    shown = [task for one in pages for task in tasks(one)]
    assert sorted(shown, key=str) == sorted(stored, key=str)
    assert shown[-2:] == [stored[1], stored[0]]


def test_failed_sends_without_doubts_hide_no_send_that_needs_a_person(airflow, monkeypatch):
    monkeypatch.setattr("airflow_provider_inforu.ui.airflow_calls.MOST_LEDGERS", 1)
    store_sends(["a"])
    store_sends(["a", "a"], events=DOUBT[:2], counts={"rejected": 1})
    assert airflow.list_sends({"a"}, SendFilter(needs_person=True), 1).total == 1


def test_the_list_holds_only_readable_dags_and_what_the_filter_wants(airflow):
    store_sends(["a", "b", "c"])
    store_sends(["a"], events=DOUBT[:2], state="success", conn_id="other")
    assert airflow.list_sends({"a", "b"}, SendFilter(), 1).total == 3
    assert airflow.list_sends({"a", "b"}, SendFilter(dag_id="c"), 1).total == 0
    assert airflow.list_sends({"a"}, SendFilter(conn_id="other"), 1).total == 1
    assert airflow.list_sends({"a"}, SendFilter(needs_person=True), 1).total == 1
    assert airflow.list_sends({"a"}, SendFilter(days=1), 1).total == 2
    assert airflow.list_sends(set(), SendFilter(), 1).total == 0
    assert airflow.list_sends({"a"}, SendFilter(), 1).conn_ids == ["inforu_default", "other"]


def test_every_connection_can_be_chosen_whichever_is_chosen(airflow):
    store_sends(["a"] * 3)
    ((other, _),) = store_sends(["a"], conn_id="other")
    found = airflow.list_sends({"a"}, SendFilter(conn_id="other"), 1)
    assert (tasks(found), found.total, found.conn_ids) == ([other], 1, ["inforu_default", "other"])
    assert airflow.list_sends({"a"}, SendFilter(conn_id="unknown"), 1).total == 0


def test_an_xcom_that_no_operator_wrote_is_no_send(airflow):
    store_sends(["a"])
    with settings.engine.begin() as connection:
        connection.execute(sa.text("UPDATE xcom SET value = '\"a text\"'"))
    found = airflow.list_sends({"a"}, SendFilter(), 1)
    assert (found.total, list(found.sends), found.conn_ids) == (0, [], [])


def test_people_in_doubt_are_found_however_many_sends_failed_later(airflow, monkeypatch):
    monkeypatch.setattr(airflow_calls, "MOST_LEDGERS", 3)
    stored = store_sends(["a"] * 5, counts=IN_DOUBT)
    store_sends(["a"] * 5, counts={"rejected": 1})
    store_sends(["a"] * 5, events=DOUBT[:2])
    found = airflow.list_sends({"a"}, NEEDS_PERSON, 1)
    assert sorted(tasks(found), key=str) == sorted((task for task, _ in stored), key=str)
    assert found.total == 5
    assert all(send.needs_person for send in found.sends)


def test_the_second_page_of_sends_in_doubt_goes_on_where_the_first_ended(airflow):
    store_sends(["a"] * (PAGE_SIZE + 2), counts=IN_DOUBT)
    pages = [airflow.list_sends({"a"}, NEEDS_PERSON, page) for page in (1, 2)]
    assert [len(one.sends) for one in pages] == [PAGE_SIZE, 2]
    assert len({task for one in pages for task in tasks(one)}) == PAGE_SIZE + 2


@pytest.mark.parametrize("counts", [IN_DOUBT, None], ids=["counts are stored", "the task was killed"])
@pytest.mark.parametrize("way", ["page", "shell"])
def test_a_settled_send_needs_no_person(airflow, counts, way):
    (settled, other) = (task for task, _ in store_sends(["a", "a"], counts=counts))
    if way == "page":
        decide(airflow, airflow.find_send(settled), "accept", [2])
    else:
        settle_in_a_shell(settled)
    assert tasks(airflow.list_sends({"a"}, NEEDS_PERSON, 1)) == [other]
    assert airflow.find_send(settled).counts.accepted == 200


def test_a_settled_send_is_read_without_its_ledger(airflow, monkeypatch):
    ((task, _),) = store_sends(["a"], counts=IN_DOUBT)
    decide(airflow, airflow.find_send(task), "resend", [2])
    monkeypatch.setattr(airflow_calls, "read_task_states", None)
    assert airflow.find_send(task).counts.not_sent == 150


def test_a_send_without_a_ledger_still_shows_the_people_in_doubt(airflow):
    ((task, _),) = store_sends(["a"], counts=IN_DOUBT)
    with settings.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM task_state_store"))
    assert airflow.find_send(task).needs_person
    assert tasks(airflow.list_sends({"a"}, NEEDS_PERSON, 1)) == [task]


def test_with_ledgers_in_object_storage_only_the_newest_are_looked_up(airflow, tmp_path, monkeypatch):
    monkeypatch.setattr(airflow_calls, "MOST_LEDGERS", 2)
    opened = []
    monkeypatch.setattr(AirflowCalls, "_in_object_storage", lambda _, send: opened.append(send.task))
    monkeypatch.setattr(airflow_calls, "_needs_person", lambda *_: False)
    airflow._ledger_path = str(tmp_path)
    store_sends(["a"] * 4, counts=IN_DOUBT)
    found, unknown = airflow._list_in_doubt({"a"}, NEEDS_PERSON)
    assert (len(found), unknown, len(opened)) == (2, 0, 2)


def test_a_killed_send_whose_ledger_cannot_be_read_may_need_a_person(airflow):
    ((task, _),) = store_sends(["a"])
    with settings.engine.begin() as connection:
        connection.execute(sa.text("UPDATE task_state_store SET value = 'damaged'"))
    assert tasks(airflow.list_sends({"a"}, NEEDS_PERSON, 1)) == [task]


def test_the_filter_says_how_many_sends_of_killed_tasks_it_did_not_look_up(airflow, monkeypatch):
    monkeypatch.setattr(airflow_calls, "MOST_LEDGERS", 1)
    store_sends(["a"] * 3)
    found = airflow.list_sends({"a"}, NEEDS_PERSON, 1)
    assert (found.total, found.unknown) == (1, 2)


@pytest.mark.parametrize("sends", [3, 300])
@pytest.mark.parametrize(
    ("wanted", "queries"), [(SendFilter(), 4), (NEEDS_PERSON, 5)], ids=["all", "in doubt"]
)
def test_the_list_asks_a_fixed_number_of_queries(airflow, received, sends, wanted, queries):
    store_sends(["a"] * sends)
    store_sends(["a"] * 2, counts=IN_DOUBT)
    airflow.list_sends({"a"}, wanted, 1)
    asked = []

    def note(*arguments):
        asked.append(arguments[2])

    engines = (settings.engine, received.engine)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        airflow.list_sends({"a"}, wanted, 1)
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)
    assert len(asked) == queries


def test_the_health_of_all_connections_is_one_query(airflow, received):
    conn_ids = [f"account_{number}" for number in range(30)]
    with received.writing() as connection:
        connection.execute(
            sa.insert(sources),
            [
                {"conn_id": conn_id, "pushes": 1, "last_push_at": dt.datetime.now(dt.UTC)}
                for conn_id in conn_ids[1:]
            ],
        )
    asked = []

    def note(*arguments):
        asked.append(arguments[2])

    sa.event.listen(received.engine, "before_cursor_execute", note)
    health = airflow.read_health(conn_ids)
    sa.event.remove(received.engine, "before_cursor_execute", note)
    assert len(asked) == 1
    assert [one for one in conn_ids if health[one].last_push_at is None] == ["account_0"]
