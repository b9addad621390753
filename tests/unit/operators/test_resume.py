"""A task that goes on after a wait, or once more after everything was sent, does not need its rows."""

import asyncio
import csv
import json

import pytest
from airflow.sdk import DAG
from airflow.sdk import task as task_decorators

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.sending import send_facts
from tests.integration.ground import NEVER
from tests.task_runner import TaskRunner

HEADER = "id,phone\n"


@pytest.fixture
def sandbox(connection, inforu_sandbox, receiver):
    """A sandbox that pushes to a receiver which the connection names."""
    inforu_sandbox.update_settings(
        requests_per_second=0, call_seconds=0.05, notification_url=receiver.push_url
    )
    connection(requests_per_second=0, receiver_url=receiver.url, notification_secret=receiver.secret)
    return inforu_sandbox


pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def runner():
    return TaskRunner()


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path / "people.csv")


class Source:
    """A file of people, which a test changes while the task waits."""

    def __init__(self, path):
        self.path = path

    def write(self, count, first=1):
        # Past the sandbox's magic numbers, one of which never reports an end.
        rows = (f"k{number},05{number + 1000:08}\n" for number in range(first, first + count))
        self.path.write_text(HEADER + "".join(rows))
        return self


CHANGES = {
    "a row is added": lambda source: source.write(251),
    "a row is removed": lambda source: source.write(249),
    "others": lambda source: source.write(250, first=500),
    "empty": lambda source: source.write(0),
    "gone": lambda source: source.path.unlink(),
    "damaged": lambda source: source.path.write_text(HEADER + '"'),
}


def send(source, **kwargs):
    recipients = str(source.path) if isinstance(source, Source) else source
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=recipients,
            key_field="id",
            retries=2,
            **{
                "message": "hello",
                "wait_for_calls": True,
                "deferrable": True,
                "poll_interval": 0.1,
                "calls_timeout": 30,
                "max_in_flight": 1,
                **kwargs,
            },
        )


def event_of(runner):
    """Return what the trigger says in the end."""

    async def run():
        return [event.payload async for event in runner.trigger().run()]

    (event,) = asyncio.run(run())
    return event


def wait_and_resume(runner, task):
    return runner.resume(task, event_of(runner))


def report_of(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def manifest_of(runner):
    return runner.xcoms["return_value"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("suffix", [".csv", ".ndjson"])
def test_a_source_that_changed_during_the_wait_is_no_failure_and_the_report_is_complete(
    runner, sandbox, source, tmp_path, change, suffix
):
    path = tmp_path / f"report{suffix}"
    task = send(source.write(250), report_path=str(path))
    assert runner.run(task) == "deferred"
    CHANGES[change](source)
    assert wait_and_resume(runner, task) == "success"
    lines = path.read_text("utf-8").splitlines()
    rows = report_of(path) if suffix == ".csv" else [json.loads(line) for line in lines]
    assert [row["key"] for row in rows] == [f"k{number}" for number in range(1, 251)]
    assert {row["state"] for row in rows} == {"accepted"}
    assert all(row["outcome"] and row["ended_at"] for row in rows)
    assert (manifest_of(runner)["accepted"], manifest_of(runner)["calls"]["calls"]) == (250, 250)
    assert len(sandbox.calls()) == 250


@pytest.mark.parametrize("name", ["recipients", "suppress"])
@pytest.mark.parametrize("template", ["{{ nope.x }}", "{{ 1 / 0 }}"])
def test_a_template_of_rows_that_fails_after_the_wait_is_no_failure(runner, sandbox, source, name, template):
    assert runner.run(send(source.write(3))) == "deferred"
    task = send(source)
    setattr(task, name, template)
    assert wait_and_resume(runner, task) == "success"
    assert len(sandbox.calls()) == 3


@pytest.mark.parametrize("change", CHANGES)
def test_people_in_doubt_are_named_before_the_wait_and_again_after_it_whatever_became_of_the_source(
    runner, sandbox, source, change, capsys
):
    sandbox.add_fault("drop")
    task = send(source.write(250), calls_timeout=1)
    assert runner.run(task) == "deferred"
    names = ", ".join(f"k{number}" for number in range(1, 101))
    assert f"in doubt (unknown if called): {names} (batch 1)" in capsys.readouterr().out
    CHANGES[change](source)
    assert wait_and_resume(runner, task) == "failed"
    out = capsys.readouterr().out
    assert f"in doubt (unknown if called): {names} (batch 1)" in out
    assert (
        "150 recipients were accepted. 100 are in doubt (unknown if called): keys k1 to k100 (batch 1)" in out
    )
    assert len(sandbox.calls()) == 150


@pytest.mark.parametrize(
    ("fault", "in_doubt", "state", "words"),
    [
        ({"kind": "drop"}, "accept", "success", "in doubt (unknown if called): k1, k2"),
        ({"kind": "status", "status_id": -18}, "fail", "failed", "rejected, not called: k1, k2"),
    ],
)
def test_people_taken_as_called_and_rejected_people_are_named_at_both_ends_of_the_wait(
    runner, sandbox, source, fault, in_doubt, state, words, capsys
):
    sandbox.add_fault(**fault)
    task = send(source.write(150), in_doubt=in_doubt)
    assert runner.run(task) == "deferred"
    assert words in capsys.readouterr().out
    source.path.unlink()
    assert wait_and_resume(runner, task) == state
    assert words in capsys.readouterr().out
    assert len(sandbox.calls()) == 50


def test_a_late_outcome_settles_a_batch_in_doubt_though_the_source_is_gone(runner, sandbox, source, tmp_path):
    path = tmp_path / "report.csv"
    sandbox.add_fault("accept_then_drop")
    sandbox.update_settings(notification_delay=NEVER)
    task = send(source.write(250), report_path=str(path))
    assert runner.run(task) == "deferred"
    sandbox.update_settings(notification_delay=0)
    assert manifest_of(runner)["in_doubt"] == 100
    source.path.unlink()
    state = wait_and_resume(runner, task)
    while state == "deferred":
        state = wait_and_resume(runner, task)
    assert state == "success"
    assert (manifest_of(runner)["accepted"], manifest_of(runner)["calls"]["calls"]) == (250, 250)
    assert {(row["state"], bool(row["outcome"])) for row in report_of(path)} == {("accepted", True)}
    assert len(sandbox.requests()) == 3


def test_all_rounds_of_a_wait_have_one_deadline(runner, sandbox, source):
    sandbox.add_fault("accept_then_drop")
    sandbox.update_settings(notification_delay=NEVER)
    task = send(source.write(150))
    assert runner.run(task) == "deferred"
    sandbox.update_settings(notification_delay=0)
    deadline = runner.trigger().deadline
    assert wait_and_resume(runner, task) == "deferred"
    assert runner.trigger().deadline == deadline


def test_a_decorated_function_does_not_run_again_after_the_wait(runner, sandbox):
    runs = []

    def call():
        runs.append(1)
        return [{"id": f"k{len(runs)}", "phone": "0500002000"}]

    options = {"wait_for_calls": True, "deferrable": True, "poll_interval": 0.1, "key_field": "id"}
    with DAG("dag") as dag:
        task_decorators.inforu_text_to_speech(message="hi", retries=2, **options)(call)()
    (task,) = dag.tasks
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert len(runs) == len(sandbox.calls()) == 1


def test_people_in_doubt_are_not_called_again_after_the_wait_but_by_the_next_try(runner, sandbox, source):
    sandbox.add_fault("drop")
    task = send(source.write(3), in_doubt="resend", calls_timeout=0.5)
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "up_for_retry"
    assert sandbox.calls() == []
    assert runner.run(send(source, in_doubt="resend"), try_number=2) == "deferred"
    assert len(sandbox.calls()) == 3


def damage_facts(store):
    store[send_facts.FACTS_KEY] = store[send_facts.FACTS_KEY][:-9]


def lose_facts(store):
    for key in [key for key in store if key.startswith(send_facts.FACTS_KEY)]:
        del store[key]


def lose_keys(store):
    (key,) = [key for key in store if key.startswith(f"{send_facts.FACTS_KEY}.")]
    del store[key]


def make_facts_newer(store):
    store[send_facts.FACTS_KEY] = json.dumps({**json.loads(store[send_facts.FACTS_KEY]), "version": 99})


@pytest.mark.parametrize("harm", [damage_facts, lose_facts, lose_keys, make_facts_newer, dict.clear])
def test_what_was_stored_and_cannot_be_used_is_a_clear_error_and_the_retry_goes_the_ordinary_way(
    runner, sandbox, source, tmp_path, harm, capsys
):
    path = tmp_path / "report.csv"
    sandbox.add_fault("status", status_id=-18)
    task = send(source.write(150), report_path=str(path))
    assert runner.run(task) == "deferred"
    event = event_of(runner)
    whole = dict(runner.state_store)
    harm(runner.state_store)
    assert runner.resume(task, event) == "up_for_retry"
    out = capsys.readouterr().out
    assert "cannot be resumed" in out or "does not find the ledger" in out
    assert "calls nobody twice" in out
    runner.state_store = {**whole, **{k: v for k, v in runner.state_store.items() if "facts" in k}}
    assert runner.run(send(source, report_path=str(path)), try_number=2) == "deferred"
    assert wait_and_resume(runner, send(source, report_path=str(path))) == "failed"
    assert manifest_of(runner)["rejected"] == 100
    assert len(report_of(path)) == 150
    assert len(sandbox.calls()) == 50


@pytest.mark.parametrize("text", [None, "", "key,state\nk1,accepted\n", "of,another,run\n1,2,3\n"])
def test_a_report_that_cannot_be_read_back_is_an_error_and_the_retry_writes_it_and_calls_nobody(
    runner, sandbox, source, tmp_path, text, capsys
):
    path = tmp_path / "report.csv"
    task = send(source.write(3), report_path=str(path))
    assert runner.run(task) == "deferred"
    event = event_of(runner)
    path.unlink() if text is None else path.write_text(text)
    assert runner.resume(task, event) == "up_for_retry"
    assert "cannot be read back" in capsys.readouterr().out
    assert manifest_of(runner)["accepted"] == 3
    assert runner.run(send(source, report_path=str(path)), try_number=2) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert len(report_of(path)) == len(sandbox.calls()) == 3


def test_a_batch_that_a_person_settled_as_not_called_is_called_by_the_next_try(
    runner, sandbox, source, capsys
):
    sandbox.add_fault("drop")
    task = send(source.write(150), calls_timeout=1)
    assert runner.run(task) == "deferred"
    event = event_of(runner)
    (attempt,) = [key for key in runner.state_store if key.startswith("inforu_ledger.0") and key[-2] != "."]
    request = f"{attempt.removeprefix('inforu_ledger.')}.0"
    decision = json.dumps({"choice": "resend", "campaign_id": None})
    runner.state_store[f"inforu_ledger.decision.{request}"] = decision
    assert runner.resume(task, event) == "up_for_retry"
    assert "a person settled batches as not called (1)" in capsys.readouterr().out
    assert len(sandbox.calls()) == 50
    assert runner.run(send(source), try_number=2) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert len({call["phone"] for call in sandbox.calls()}) == len(sandbox.calls()) == 150


@pytest.mark.parametrize("change", CHANGES)
def test_a_retry_with_nothing_left_to_send_does_not_fail_on_its_source_and_keeps_the_report(
    runner, sandbox, source, tmp_path, change, capsys
):
    path = tmp_path / "report.csv"
    options = {"report_path": str(path), "deferrable": False}
    assert runner.run(send(source.write(250), **options)) == "success"
    before = report_of(path)
    CHANGES[change](source)
    assert runner.run(send(source, **options), try_number=2) == "success"
    out = capsys.readouterr().out
    assert "changed since they were sent" in out or "could not be read" in out
    assert report_of(path) == before
    assert manifest_of(runner)["accepted"] == len(sandbox.calls()) == 250


def test_a_report_that_nobody_can_make_any_more_fails_without_a_retry_and_says_what_to_do(
    runner, sandbox, source, tmp_path, capsys
):
    path = tmp_path / "report.csv"
    options = {"report_path": str(path), "deferrable": False}
    assert runner.run(send(source.write(3), **options)) == "success"
    path.unlink()
    source.write(4)
    assert runner.run(send(source, **options), try_number=2) == "failed"
    assert "Give the same rows again and clear the task" in capsys.readouterr().out
    source.write(3)
    assert runner.run(send(source, **options), try_number=3) == "success"
    assert len(report_of(path)) == len(sandbox.calls()) == 3


@pytest.mark.parametrize("change", ["a row is added", "gone", "damaged"])
def test_a_later_try_says_who_is_in_doubt_before_it_fails_on_its_source(
    runner, sandbox, source, change, capsys
):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("drop")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(send(source.write(250))) == "up_for_retry"
    capsys.readouterr()
    CHANGES[change](source)
    assert runner.run(send(source), try_number=2) != "success"
    out = capsys.readouterr().out
    assert "100 recipients of an earlier try are in doubt (batches 2)" in out
    assert "in doubt (unknown if called): k101, k102" in out
    assert len(sandbox.calls()) == 100


def test_people_of_a_try_that_was_killed_are_named_by_key_or_by_their_place_in_the_rows(
    runner, sandbox, source, capsys
):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("drop")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(send(source.write(250))) == "up_for_retry"
    lose_facts(runner.state_store)  # a kill leaves the ledger and nothing else
    capsys.readouterr()
    assert runner.run(send(source.write(251)), try_number=2) == "failed"
    assert "in doubt (unknown if called): k101, k102" in capsys.readouterr().out
    assert runner.run(send(source.write(251, first=300)), try_number=3) == "failed"
    out = capsys.readouterr().out
    assert "in doubt (unknown if called): batch 2 (recipients 101-200 in the order of the rows" in out
    assert len(sandbox.calls()) == 100


def test_a_task_that_is_cleared_after_it_sent_says_that_nobody_was_called(runner, sandbox, source, capsys):
    options = {"wait_for_calls": False}
    assert runner.run(send(source.write(3), **options)) == "success"
    assert manifest_of(runner)["already_sent_at"] is None
    runner.max_tries += 2
    assert runner.run(send(source, **options), try_number=2) == "success"
    out = capsys.readouterr().out
    assert "Nobody was called: this task had already sent on 20" in out
    assert "set resend=True and clear the task" in out
    assert manifest_of(runner)["already_sent_at"].startswith("20")
    assert len(sandbox.calls()) == 3


@pytest.mark.parametrize("options", [{}, {"dry_run": True}])
@pytest.mark.parametrize("count", [0, 2])
def test_the_manifest_has_a_summary_of_the_calls_also_where_nobody_is_called(
    runner, sandbox, source, options, count
):
    task = send(source.write(count), suppress=["k1", "k2"], **options)
    assert runner.run(task) == "success"
    manifest = manifest_of(runner)
    assert (manifest["accepted"], manifest["recipients"], manifest["skipped"]) == (0, count, count)
    assert manifest["calls"]["by_digit"] == manifest["calls"]["by_status"] == {}
    assert (manifest["calls"]["calls"], manifest["calls"]["complete"]) == (0, True)
    assert sandbox.requests() == []


def test_keys_in_doubt_beyond_one_value_of_the_store_are_stored_in_several(runner, sandbox, capsys):
    rows = [{"id": f"{'ש' * 90}{n}", "phone": f"05{n + 1000:08}"} for n in range(200)]
    sandbox.add_fault("drop")
    sandbox.add_fault("drop")
    task = send(rows, calls_timeout=0.5)
    assert runner.run(task) == "deferred"
    assert max(len(json.dumps(value)) for value in runner.state_store.values()) < 64 * 1024
    capsys.readouterr()
    assert runner.resume(send([]), event_of(runner)) == "failed"
    out = capsys.readouterr().out
    assert all(row["id"] in out for row in rows)


def test_the_stored_facts_hold_no_phone(runner, sandbox, source):
    sandbox.add_fault("drop")
    assert runner.run(send(source.write(3))) == "deferred"
    assert "k1" in json.dumps(runner.state_store)
    assert "050000" not in json.dumps(runner.state_store)


def test_a_ledger_in_object_storage_is_enough_to_go_on(runner, sandbox, source, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", f"file://{tmp_path}/ledgers")
    path = tmp_path / "report.csv"
    sandbox.add_fault("accept_then_drop")
    sandbox.add_fault("status", status_id=-18)
    task = send(source.write(250), report_path=str(path))
    assert runner.run(task) == "deferred"
    source.path.unlink()
    state = wait_and_resume(runner, task)
    while state == "deferred":
        state = wait_and_resume(runner, task)
    assert state == "failed"
    assert (manifest_of(runner)["accepted"], manifest_of(runner)["rejected"]) == (150, 100)
    states = [row["state"] for row in report_of(path)]
    assert states == ["accepted"] * 100 + ["rejected"] * 100 + ["accepted"] * 50
