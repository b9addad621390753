"""The sends of this Airflow, from its database, its task state and the receiver's tables."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from airflow import settings
from airflow.models.task_state_store import TaskStateStoreModel

from airflow_provider_inforu.ledger.settling import SettleError
from airflow_provider_inforu.ui import airflow_calls
from airflow_provider_inforu.ui.call_views import (
    CallsUnavailableError,
    SendFilter,
    SettleRefusedError,
    TaskRef,
)
from airflow_provider_inforu.ui.received_outcomes import ReceivedOutcomes
from airflow_provider_inforu.ui.task_states import lock_task
from tests.unit.ui.stored_sends import (
    DOUBT,
    decide,
    moment,
    replace_events,
    see_requests,
    store_calls,
    store_keys,
    store_second_try,
    store_sends,
)


def test_a_send_has_the_counts_of_its_ledger_and_the_outcomes_of_the_receiver(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_calls(received, send_id, ["Answered", "Answered", "Busy"])
    send = airflow.find_send(task)
    counts = send.counts
    assert (counts.recipients, counts.accepted, counts.in_doubt, counts.rejected) == (350, 100, 100, 100)
    assert (counts.not_sent, counts.skipped) == (50, 3)
    assert send.needs_person
    (listed,) = airflow.list_sends({"a"}, SendFilter(), 1).sends
    assert listed.by_status == {"Answered": 2, "Busy": 1}
    batches = airflow.list_batches(send)
    assert [one.state for one in batches] == ["accepted", "in doubt", "rejected", "not sent"]
    assert (batches[2].reason, batches[3].people) == ("closed", 50)
    outcomes = airflow.find_outcomes(send)
    assert outcomes.summary.by_digit == {"1": 2}
    assert sum(number for _, number in outcomes.ended) == 3
    assert [one.key for one in airflow.iter_results(send)] == ["k-0", "k-1", "k-2"]
    assert [one.key for one in airflow.list_results(send, "Busy", None).results] == ["k-2"]


def test_each_ended_call_is_in_one_interval_of_the_chart(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_calls(received, send_id, ["Busy"] * 6, ended=[0, 0, 1, 30, 59, None])
    ended = airflow.find_outcomes(airflow.find_send(task)).ended
    assert [one for one, _ in ended[:1]] == [moment(0)]
    assert {number: count for number, (_, count) in enumerate(ended) if count} == {0: 3, 15: 1, 29: 1}
    assert len(ended) == 30


def test_calls_that_ended_at_one_moment_are_in_one_interval(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_calls(received, send_id, ["Busy"] * 3, ended=[7, 7, 7])
    assert airflow.find_outcomes(airflow.find_send(task)).ended == [(moment(7), 3)]


def test_an_ended_send_without_doubts_is_read_without_its_ledger(airflow):
    ((task, _),) = store_sends(["a"], state="success", events=["damaged"], counts={"accepted": 350})
    counts = airflow.find_send(task).counts
    assert (counts.recipients, counts.accepted, counts.skipped) == (350, 350, 3)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("running", {"accepted": 350}),
        ("failed", {"in_doubt": 350}),
        ("failed", {"send_id": "another"}),
        ("failed", {"accepted": "many"}),
    ],
)
def test_counts_that_may_have_changed_are_read_from_the_ledger(airflow, state, counts):
    ((task, _),) = store_sends(["a"], state=state, counts=counts)
    assert airflow.find_send(task).counts.in_doubt == 100


@pytest.mark.parametrize(("choice", "accepted", "not_sent"), [("accept", 200, 50), ("resend", 100, 150)])
def test_a_decision_is_written_once_and_a_second_one_changes_nothing(airflow, choice, accepted, not_sent):
    ((task, _),) = store_sends(["a"])
    shown = airflow.find_send(task)
    requests = {2: see_requests(airflow, task)[2]}
    airflow.settle(shown, choice, requests)
    settled = airflow.find_send(task)
    assert (settled.counts.accepted, settled.counts.not_sent) == (accepted, not_sent)
    assert not settled.needs_person
    with pytest.raises(SettleRefusedError):
        airflow.settle(shown, "resend" if choice == "accept" else "accept", requests)
    assert airflow.find_send(task) == settled


def test_batches_name_their_people_in_doubt_and_how_many_of_them_have_a_result(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_keys(task, send_id, {2: ["k-0", "k-7"], 3: ["k-9"]})
    store_calls(received, send_id, ["Busy"])
    batches = airflow.list_batches(airflow.find_send(task))
    assert [(one.keys, one.ended) for one in batches[1:3]] == [(["k-0", "k-7"], 1), (["k-9"], 0)]


@pytest.mark.parametrize("state", ["queued", "deferred", "up_for_retry", "scheduled", "restarting", None])
def test_a_task_that_may_still_run_is_not_settled(airflow, state):
    ((task, _),) = store_sends(["a"], state=state)
    with pytest.raises(SettleRefusedError, match="has not ended"):
        decide(airflow, airflow.find_send(task), "resend", [2])
    assert airflow.find_send(task).counts.in_doubt == 100


@pytest.mark.parametrize("batches", [[1], [3], [4], [2, 3], [99], [2, 4]])
def test_batches_that_are_not_in_doubt_are_not_settled_and_neither_is_the_one_that_is(airflow, batches):
    ((task, _),) = store_sends(["a"])
    with pytest.raises(SettleRefusedError, match="The batches in doubt are no longer the same"):
        decide(airflow, airflow.find_send(task), "resend", batches)
    assert airflow.find_send(task).counts.in_doubt == 100


def test_with_damaged_keys_the_page_is_shown_and_nobody_is_called_again(airflow):
    ((task, send_id),) = store_sends(["a"])
    store_keys(task, send_id, {2: ["k-0"]})
    with settings.engine.begin() as connection:
        connection.execute(
            sa.update(TaskStateStoreModel)
            .where(TaskStateStoreModel.key.startswith("inforu_ledger.facts."))
            .values(value="damaged")
        )
    assert [one.keys for one in airflow.list_batches(airflow.find_send(task))] == [(), (), (), ()]
    with pytest.raises(CallsUnavailableError, match="Nothing was changed"):
        decide(airflow, airflow.find_send(task), "resend", [2])
    assert airflow.find_send(task).counts.in_doubt == 100
    decide(airflow, airflow.find_send(task), "accept", [2])
    assert airflow.find_send(task).counts.accepted == 200


@pytest.mark.parametrize("choice", ["accept", "resend"])
def test_a_page_from_before_a_batch_was_sent_again_settles_nothing(airflow, choice):
    ((task, _),) = store_sends(["a"])
    send, requests = airflow.find_send(task), see_requests(airflow, task)
    replace_events(task, [*DOUBT, ["w", 2], ["s", 2, "d2"]])
    with pytest.raises(SettleRefusedError, match="The batches in doubt are no longer the same"):
        airflow.settle(send, choice, {2: requests[2]})
    assert airflow.find_send(task).counts.in_doubt == 100
    decide(airflow, send, choice, [2])
    assert airflow.find_send(task).counts.in_doubt == 0


@pytest.mark.parametrize("choice", ["accept", "resend"])
def test_a_page_of_a_deleted_run_settles_nothing_in_the_run_that_was_created_again(airflow, choice):
    """Airflow's task state gives the requests of both sends the same names."""
    ((task, send_id),) = store_sends(["a"])
    requests = see_requests(airflow, task)
    of_the_deleted_run = {2: requests[2].replace(send_id, "0" * len(send_id))}
    with pytest.raises(SettleRefusedError, match="The batches in doubt are no longer the same"):
        airflow.settle(airflow.find_send(task), choice, of_the_deleted_run)
    assert airflow.find_send(task).counts.in_doubt == 100


@pytest.mark.parametrize("choice", ["accept", "resend"])
def test_a_try_that_ran_while_a_decision_waited_for_the_lock_counts(airflow, choice, monkeypatch):
    ((task, _),) = store_sends(["a"], counts={"accepted": 150, "in_doubt": 100})
    send, requests = airflow.find_send(task), see_requests(airflow, task)

    @contextmanager
    def lock_after_a_try(name):
        store_second_try(task, send.send_id, [["a", 2, "token", 7]])
        with lock_task(name) as locked:
            yield locked

    monkeypatch.setattr(airflow_calls, "lock_task", lock_after_a_try)
    with pytest.raises(SettleRefusedError, match="The batches in doubt are no longer the same"):
        airflow.settle(send, choice, {2: requests[2]})
    assert airflow.find_send(task).counts.accepted == 200


def test_nobody_is_called_again_while_the_tables_of_the_receiver_cannot_be_read(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_keys(task, send_id, {2: ["k-0"]})
    airflow._received = ReceivedOutcomes(received, SimpleNamespace())
    with received.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version_inforu SET version_num = 'later'"))
    received.close()
    with pytest.raises(CallsUnavailableError, match="Nothing was changed"):
        decide(airflow, airflow.find_send(task), "resend", [2])
    assert airflow.find_send(task).counts.in_doubt == 100


def test_people_with_a_result_are_not_called_again(airflow, received):
    ((task, send_id),) = store_sends(["a"])
    store_keys(task, send_id, {2: ["k-0", "k-7"]})
    store_calls(received, send_id, ["Busy"])
    with pytest.raises(SettleRefusedError, match="they were called"):
        decide(airflow, airflow.find_send(task), "resend", [2])
    assert airflow.find_send(task).counts.in_doubt == 100
    decide(airflow, airflow.find_send(task), "accept", [2])
    assert airflow.find_send(task).counts.accepted == 200


def test_a_person_decides_about_some_of_the_batches_in_doubt(airflow):
    ((task, _),) = store_sends(["a"], events=[*DOUBT[:2], ["s", 2, "d2"], ["s", 3, "d3"]])
    decide(airflow, airflow.find_send(task), "resend", [3])
    counts = airflow.find_send(task).counts
    assert (counts.in_doubt, counts.not_sent) == (100, 150)


def test_a_failed_send_that_is_not_finished_says_so_after_the_decision(airflow):
    ((task, _),) = store_sends(["a"])
    assert not airflow.find_send(task).is_unfinished
    decide(airflow, airflow.find_send(task), "resend", [2])
    assert airflow.find_send(task).is_unfinished


def test_a_decision_that_is_perhaps_recorded_in_part_is_not_called_unchanged(airflow, monkeypatch):
    ((task, _),) = store_sends(["a"])

    def fail(*_):
        raise SettleError("the second batch was not written")

    monkeypatch.setattr(airflow_calls, "settle", fail)
    with pytest.raises(CallsUnavailableError, match="or only for some batches") as raised:
        decide(airflow, airflow.find_send(task), "accept", [2])
    assert "Nothing was changed" not in str(raised.value)


def test_a_running_task_and_other_batches_are_not_settled(airflow):
    ((task, _),) = store_sends(["a"])
    with pytest.raises(SettleRefusedError):
        decide(airflow, airflow.find_send(task), "accept", [1, 2])
    ((running, _),) = store_sends(["a"], state="running")
    with pytest.raises(SettleRefusedError):
        decide(airflow, airflow.find_send(running), "accept", [2])
    assert airflow.find_send(task).counts.in_doubt == 100


def test_a_ledger_that_cannot_be_read_leaves_the_rest_of_the_list(airflow):
    ((task, _),) = store_sends(["a"], events="damaged")
    with settings.engine.begin() as connection:
        connection.execute(sa.update(TaskStateStoreModel).values(value="not JSON"))
    send = airflow.find_send(task)
    assert send.counts is None
    assert airflow.list_sends({"a"}, SendFilter(), 1).total == 1
    with pytest.raises(CallsUnavailableError):
        airflow.list_batches(send)


def test_a_task_without_a_send_is_none(airflow):
    assert airflow.find_send(TaskRef("a", "r", "t")) is None
