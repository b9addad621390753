"""A ledger that cannot be seen is not a ledger that never was: nobody is called again because of it."""

import copy
import shutil
from functools import partial

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.ledger.ledger_keys import NEWEST_SEGMENT_KEY, attempt_key
from airflow_provider_inforu.ledger.object_storage_store import ROOT_MARKER
from airflow_provider_inforu.ledger.task_state_store import PROBE_KEY
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator

MORE_RECIPIENTS = [{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(1, 551)]
RECIPIENTS = MORE_RECIPIENTS[:250]
LONG = partial(pytest.param, marks=pytest.mark.long)
SPELLINGS = ["{}", "file://{}", "local://{}"]


def task(*, retries=2, message="hello", recipients=RECIPIENTS, **kwargs):
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=recipients,
            message=message,
            key_field="id",
            max_in_flight=1,
            retries=retries,
            **kwargs,
        )


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Return a function that puts the ledgers on a disk of that name."""

    def use(name, spelling="{}"):
        monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", spelling.format(tmp_path / name))
        return tmp_path / name

    return use


def half_sent(runner, sandbox):
    """Run a first try that stops after its first batch."""
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(task()) == "up_for_retry"
    assert len(sandbox.calls()) == 100


def phones(sandbox):
    return [call["phone"] for call in sandbox.calls()]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_volume_that_is_not_mounted_in_a_later_try_stops_it(runner, sandbox, disk, spelling):
    root = disk("volume", spelling)
    half_sent(runner, sandbox)
    root.rename(root.with_name("unmounted"))
    assert runner.run(task(), try_number=2) == "up_for_retry"
    assert not root.exists(), "the later try made the folder that is missing"
    root.mkdir()  # a mount point without its volume
    assert runner.run(task(), try_number=3) != "success"
    assert len(phones(sandbox)) == 100
    assert list(root.iterdir()) == []
    root.rmdir()
    root.with_name("unmounted").rename(root)
    runner.max_tries += 2
    assert runner.run(task(), try_number=4) == "success"
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("is_used", [False, True], ids=["new", "used by other tasks"])
def test_a_retry_on_a_worker_with_its_own_disk_calls_nobody(runner, sandbox, disk, spelling, is_used, capsys):
    disk("one", spelling)
    half_sent(runner, sandbox)
    other = disk("two", spelling)
    if is_used:
        other.mkdir()
        (other / ROOT_MARKER).touch()
    assert runner.run(task(), try_number=2) == "up_for_retry"
    assert "No new calls were placed" in capsys.readouterr().out
    assert len(phones(sandbox)) == 100
    disk("one", spelling)
    assert runner.run(task(), try_number=3) == "success"
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250


def test_a_ledger_path_that_changes_between_tries_stops_the_later_try(runner, sandbox, disk):
    half_sent(runner, sandbox)
    other = disk("other")
    other.mkdir()
    (other / ROOT_MARKER).touch()
    assert runner.run(task(), try_number=2) == "up_for_retry"
    assert len(phones(sandbox)) == 100


def test_a_task_state_that_was_cleared_stops_each_later_try(runner, sandbox, capsys):
    assert runner.run(task()) == "success"
    runner.state_store.clear()
    runner.max_tries += 2
    for try_number in (2, 3, 4):
        assert runner.run(task(), try_number=try_number) != "success"
        assert "An earlier try of this task began a send" in capsys.readouterr().out
    assert len(phones(sandbox)) == 250


def test_after_a_clear_resend_calls_everybody_although_the_state_is_gone(runner, sandbox):
    assert runner.run(task()) == "success"
    runner.state_store.clear()
    assert runner.run(task(resend=True), try_number=2) != "success", "the task was not cleared"
    runner.max_tries += 2
    assert runner.run(task(resend=True), try_number=3) == "success"
    assert len(phones(sandbox)) == 500


def test_beside_a_damaged_ledger_resend_calls_only_after_a_clear(runner, sandbox, disk):
    root = disk("volume")
    assert runner.run(task()) == "success"
    attempt = min(root.rglob(f"*{attempt_key('0')}*"), key=lambda path: len(path.name))
    attempt.write_text("{")
    assert runner.run(task(resend=True), try_number=2) == "failed"
    assert len(phones(sandbox)) == 250
    runner.max_tries += 2
    assert runner.run(task(resend=True), try_number=3) == "success"
    assert len(phones(sandbox)) == 500


def test_one_clear_allows_one_resend_and_no_later_try_uses_it_again(runner, sandbox, disk):
    root = disk("volume")
    assert runner.run(task(resend=True)) == "success"
    runner.max_tries += 2
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(task(resend=True), try_number=2) == "up_for_retry"
    assert len(phones(sandbox)) == 350
    root.rename(root.with_name("unmounted"))
    assert runner.run(task(resend=True), try_number=3) != "success"
    assert len(phones(sandbox)) == 350


def test_fewer_retries_in_the_dag_are_no_clear(runner, sandbox, disk):
    root = disk("volume")
    half_sent(runner, sandbox)
    root.rename(root.with_name("unmounted"))
    assert runner.run(task(resend=True, retries=1), try_number=2) != "success"
    assert len(phones(sandbox)) == 100


@pytest.mark.parametrize("deaths", [1, 3])
def test_tries_that_die_before_they_send_do_not_lose_the_evidence(runner, sandbox, deaths):
    """Airflow deletes the XComs of a task before it renders the templates of the next try."""
    half_sent(runner, sandbox)
    for number in range(deaths):
        broken = task(message="{{ 1 / 0 }}")
        assert runner.run(broken, try_number=2 + number) == "up_for_retry"
    runner.state_store.clear()
    assert runner.run(task(), try_number=2 + deaths) != "success"
    assert len(phones(sandbox)) == 100


def test_where_airflow_deletes_state_a_cleared_task_without_a_ledger_calls_nobody(
    runner, sandbox, monkeypatch, capsys
):
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", "True")
    assert runner.run(task()) == "success"
    runner.state_store.clear()
    runner.xcoms.clear()  # a try that was killed before it could push its evidence again
    runner.max_tries += 2
    assert runner.run(task(), try_number=3) != "success"
    assert "deletes task state" in capsys.readouterr().out
    assert runner.run(task(resend=True), try_number=4) == "success"
    assert len(phones(sandbox)) == 500


def test_a_first_try_that_died_on_a_new_path_does_not_block_the_task(runner, sandbox, disk):
    disk("new")
    assert runner.run(task(message="{{ 1 / 0 }}")) == "up_for_retry"
    assert runner.run(task(), try_number=2) == "success"
    assert len(phones(sandbox)) == 250


def test_other_arguments_stop_a_send_and_the_people_in_doubt_are_named(runner, sandbox, capsys):
    sandbox.add_fault("accept_then_drop")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(task()) == "up_for_retry"
    assert runner.run(task(campaign_name="other"), try_number=2) == "failed"
    log = capsys.readouterr().out
    assert "another argument changed" in log
    assert "100 are in doubt" in log
    assert "k100" in log


def test_a_volume_that_goes_while_the_rows_are_read_stops_the_task(runner, sandbox, disk, monkeypatch):
    root = disk("volume")
    half_sent(runner, sandbox)
    read = InforuSendTextToSpeechOperator._people

    def read_and_lose(operator):
        root.rename(root.with_name("unmounted"))
        root.mkdir()
        return read(operator)

    with monkeypatch.context() as patch:
        patch.setattr(InforuSendTextToSpeechOperator, "_people", read_and_lose)
        assert runner.run(task(), try_number=2) == "up_for_retry"
    assert len(phones(sandbox)) == 100
    assert list(root.iterdir()) == []


def test_a_state_that_is_cleared_while_the_rows_are_read_stops_the_task(runner, sandbox, monkeypatch):
    half_sent(runner, sandbox)
    read = InforuSendTextToSpeechOperator._people

    def read_and_lose(operator):
        runner.state_store.clear()
        return read(operator)

    monkeypatch.setattr(InforuSendTextToSpeechOperator, "_people", read_and_lose)
    assert runner.run(task(), try_number=2) == "up_for_retry"
    assert len(phones(sandbox)) == 100


def test_another_disk_with_a_ledger_of_an_earlier_send_stops_the_task(runner, sandbox, disk):
    """Worker A kept the first send, worker B the one after the clear; the retry runs on worker A."""
    one = disk("one")
    assert runner.run(task(resend=True)) == "success"
    shutil.copytree(one, one.with_name("two"))
    disk("two")
    runner.max_tries += 2
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(task(resend=True), try_number=2) == "up_for_retry"
    disk("one")
    assert runner.run(task(resend=True), try_number=3) != "success"
    assert len(phones(sandbox)) == 350


def test_a_send_that_goes_on_in_its_window_finds_its_ledger_or_stops(runner, sandbox, disk):
    """After a deferral Airflow keeps the XComs, so this try sees that of its own beginning."""
    disk("one")
    half_sent(runner, sandbox)
    other = disk("two")
    other.mkdir()
    (other / ROOT_MARKER).touch()
    assert runner.resume_at(task(), "execute_in_window", {}) == "up_for_retry"
    assert len(phones(sandbox)) == 100


def test_a_try_that_never_began_to_send_does_not_stop_the_next_one(runner, sandbox):
    with DAG("dag"):
        broken = InforuSendTextToSpeechOperator(
            task_id="call", recipients=RECIPIENTS, message="{{ 1 // 0 }}", key_field="id", retries=2
        )
    assert runner.run(broken) == "up_for_retry"
    assert runner.run(task(), try_number=2) == "success"
    assert len(phones(sandbox)) == 250


def test_a_first_try_that_never_started_does_not_stop_the_second(runner, sandbox, disk):
    assert runner.run(task(), try_number=2) == "success"
    root = disk("volume")
    root.mkdir()
    (root / ROOT_MARKER).touch()  # another task used the folder before
    runner.xcoms.clear()
    runner.state_store.clear()
    assert runner.run(task(), try_number=2) == "success"
    assert len(phones(sandbox)) == 500


def test_require_ledger_refuses_a_later_try_without_a_trace(runner, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__REQUIRE_LEDGER", "True")
    assert runner.run(task(), try_number=2) == "up_for_retry"
    assert sandbox.calls() == []


@pytest.mark.parametrize("lost_reads", [1, 2, 3])
@pytest.mark.parametrize("begin_at", range(6))
def test_an_api_server_that_answers_some_reads_with_not_found_makes_nobody_called_twice(
    runner, sandbox, monkeypatch, begin_at, lost_reads
):
    """As an older server without the route does, behind the balancer of newer ones."""
    half_sent(runner, sandbox)
    answer, reads = runner._state, iter(range(10_000))

    def forgetful(method, request, key):
        if method == "GET" and begin_at <= next(reads) < begin_at + lost_reads:
            key = "a key that is not there"
        return answer(method, request, key)

    monkeypatch.setattr(runner, "_state", forgetful)
    runner.run(task(), try_number=2)
    monkeypatch.setattr(runner, "_state", answer)
    assert runner.run(task(), try_number=3) == "success"
    assert len(set(phones(sandbox))) == len(phones(sandbox)) == 250


def test_an_api_server_that_writes_and_never_reads_calls_nobody_again(runner, sandbox, monkeypatch):
    """A restored database, or a cache: all that was written seems to be gone."""
    half_sent(runner, sandbox)
    answer = runner._state
    monkeypatch.setattr(
        runner, "_state", lambda method, request, key: answer(method, request, f"{method} {key}")
    )
    assert runner.run(task(), try_number=2) == "up_for_retry"
    runner.xcoms.clear()
    assert runner.run(task(), try_number=3) != "success"
    assert len(phones(sandbox)) == 100


@pytest.mark.usefixtures("sandbox")
def test_a_ledger_on_the_workers_own_disk_is_warned_of(runner, disk, monkeypatch, capsys):
    root = disk("volume")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setattr(
        "airflow_provider_inforu.ledger.ledger_access._is_on_own_disk", lambda folder: folder == root
    )
    runner.run(task())
    assert "on this worker's own disk" in capsys.readouterr().out
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    shutil.rmtree(root)
    runner.run(task())
    assert "on this worker's own disk" not in capsys.readouterr().out


@pytest.mark.parametrize("conn_id", ["inforu_default", "team:a/b#1"])
def test_a_try_that_ends_early_keeps_the_connection_of_the_send(runner, sandbox, disk, monkeypatch, conn_id):
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", sandbox.connection_json(requests_per_second=0))
    disk("ledgers")
    assert runner.run(task(inforu_conn_id=conn_id)) == "success"
    before = dict(runner.xcoms["inforu_send"])
    assert before["inforu_conn_id"] == conn_id
    for number in (2, 3):
        assert (
            runner.run(task(inforu_conn_id=conn_id, message="{{ missing }}"), try_number=number) == "failed"
        )
        assert runner.xcoms["inforu_send"] == before
    assert not any(set(key) & set("/#:") for key in runner.xcoms)


def more():
    return task(retries=9, recipients=MORE_RECIPIENTS)


def three_tries(runner, sandbox):
    """Run three tries, and return whom they called. Each one sends one batch, then the quota is used up."""
    for try_number in (1, 2, 3):
        sandbox.add_fault("loose_types")
        sandbox.add_fault("status", status_id=-13)
        runner.max_tries = try_number + 1
        assert runner.run(more(), try_number=try_number) == "up_for_retry"
    assert len(set(phones(sandbox))) == 300
    return phones(sandbox)


def check_later_tries(runner, sandbox, called):
    """Check that two more tries call nobody again. Return whether they called everybody else."""
    before = len(phones(sandbox))
    for try_number in (4, 5):
        runner.max_tries = try_number
        state = runner.run(more(), try_number=try_number)
    all_called = [*called, *phones(sandbox)[before:]]
    assert len(set(all_called)) == len(all_called)
    assert state != "success" or len(all_called) == 550
    return state == "success"


@pytest.mark.parametrize("left", [None, LONG("null")])
def test_whichever_value_of_the_task_state_is_lost_nobody_is_called_twice(runner, sandbox, left):
    called = three_tries(runner, sandbox)
    values, xcoms = dict(runner.state_store), copy.deepcopy(runner.xcoms)
    assert len(values) >= 7, "a document and a segment of each try, and the newest segment"
    complete = set()
    for name in values:
        runner.state_store, runner.xcoms = dict(values), copy.deepcopy(xcoms)
        del runner.state_store[name]
        if left is not None:
            runner.state_store[name] = left
        if check_later_tries(runner, sandbox, called):
            complete.add(name)
    assert {NEWEST_SEGMENT_KEY, PROBE_KEY} <= complete


@pytest.mark.parametrize("left", [None, LONG("null"), LONG("")])
def test_whichever_file_of_the_ledger_is_lost_nobody_is_called_twice(runner, sandbox, disk, left):
    root = disk("volume")
    called = three_tries(runner, sandbox)
    saved, values, xcoms = root.with_name("saved"), dict(runner.state_store), copy.deepcopy(runner.xcoms)
    root.rename(saved)
    files = sorted(path.relative_to(saved) for path in saved.rglob("*") if path.is_file())
    assert len(files) >= 11, "also three claims and the marker of the root"
    complete = set()
    for name in files:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(saved, root)
        runner.state_store, runner.xcoms = dict(values), copy.deepcopy(xcoms)
        (root / name).unlink()
        if left is not None:
            (root / name).write_text(left)
        if check_later_tries(runner, sandbox, called):
            complete.add(name.name)
    assert f"{NEWEST_SEGMENT_KEY}.json" in complete
