"""The stores: what they keep, and that two attempts cannot both send."""

import contextlib
import errno
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import httpx
import pytest
from airflow.sdk import NEVER_EXPIRE
from airflow.sdk.api.client import Client
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_access import check_is_expected_send
from airflow_provider_inforu.ledger.ledger_errors import LedgerError, LedgerNotFoundError, LedgerStoreError
from airflow_provider_inforu.ledger.ledger_events import Accepted, IntentLogged
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore, iter_folders
from airflow_provider_inforu.ledger.task_state_store import TaskStateStore

NEW = Header("5e4d", "options_digest", batches=3, recipients=250, clear_generation=0)
PARTS = ("dag", "scheduled__2026-11-23T07:00:00+00:00", "call", "-1")


@pytest.fixture(params=["{}", "file://{}", "local://{}", "memory"])
def root(request, tmp_path):
    return f"memory://{tmp_path.name}" if request.param == "memory" else request.param.format(tmp_path)


LOCAL = pytest.mark.parametrize("spelling", ["{}", "file://{}", "local://{}"])


def opened(root, parts=PARTS):
    store = ObjectStorageStore(root, parts)
    store.acquire_fencing_token()
    return store


def test_what_was_written_is_read_by_a_later_attempt(root):
    opened(root).set("key", {"text": "שלום"})
    assert opened(root).get("key") == {"text": "שלום"}


def test_nothing_is_there_at_first(root):
    assert opened(root).get("key") is None


def test_other_task_instances_have_ledgers_of_their_own(root):
    opened(root).set("key", 1)
    assert opened(root, (*PARTS[:3], "0")).get("key") is None


def test_an_attempt_cannot_write_once_a_later_one_has_begun(root):
    first = opened(root)
    first.set("key", 1)
    second = opened(root)
    with pytest.raises(LedgerError, match="Another attempt of this task"):
        first.set("key", 2)
    second.set("key", 3)
    assert second.get("key") == 3


def test_a_file_system_that_remembers_its_listings_does_not_hide_a_later_attempt(monkeypatch, tmp_path):
    """Those of object stores do: s3fs, gcsfs, adlfs."""
    remembered, ls = {}, MemoryFileSystem.ls

    def remembering_ls(self, path, detail=True, **kwargs):
        key = (path, detail)
        if key not in remembered:
            remembered[key] = ls(self, path, detail=detail, **kwargs)
        return remembered[key]

    monkeypatch.setattr(MemoryFileSystem, "ls", remembering_ls)
    monkeypatch.setattr(MemoryFileSystem, "invalidate_cache", lambda *_args: remembered.clear())
    first = opened(f"memory://{tmp_path.name}")
    first.set("key", 1)
    opened(f"memory://{tmp_path.name}")
    with pytest.raises(LedgerError, match="Another attempt of this task"):
        first.set("key", 2)


def test_an_attempt_that_wakes_up_late_overwrites_nothing_of_a_later_one(root):
    first = opened(root)
    second = opened(root)
    second.set("key", "of the second")
    with pytest.raises(LedgerError):
        first.set("key", "of the first")
    assert second.get("key") == "of the second"


def test_a_later_attempt_sees_all_that_an_earlier_one_may_have_sent(root):
    """Either the later one reads the write, or the earlier one's write fails: there is no third way."""
    first, second = ObjectStorageStore(root, PARTS), ObjectStorageStore(root, PARTS)
    first.acquire_fencing_token()
    first.set("before the claim", 1)
    second.acquire_fencing_token()
    assert second.get("before the claim") == 1
    with pytest.raises(LedgerError):
        first.set("after the claim", 1)


def test_a_value_that_is_not_json_is_an_error_and_not_an_absence(tmp_path):
    store = opened(f"file://{tmp_path}")
    store.set("key", 1)
    (path,) = tmp_path.rglob("key.json")
    path.write_text("{")
    with pytest.raises(LedgerError, match="value key of the ledger is not JSON"):
        store.get("key")


def test_an_attempt_that_is_overtaken_while_it_writes_sends_nothing(root, monkeypatch):
    first = opened(root)
    put = first.put

    def overtaken(key, value):
        put(key, value)
        opened(root)

    monkeypatch.setattr(first, "put", overtaken)
    with pytest.raises(LedgerError, match="Another attempt of this task"):
        first.set("key", 1)


def test_a_write_that_freezes_while_a_whole_later_attempt_runs_changes_nothing_of_it(root, monkeypatch):
    frozen = ObjectStorageStore(root, PARTS)
    ledger = open_ledger(frozen, NEW)
    ledger.write([IntentLogged(1, "d1")])
    put = frozen.put

    def freeze_until_a_later_attempt_has_ended(key, value):
        later = open_ledger(ObjectStorageStore(root, PARTS), NEW)
        later.write([IntentLogged(2, "d2"), Accepted(2, "token", 7)])
        put(key, value)

    monkeypatch.setattr(frozen, "put", freeze_until_a_later_attempt_has_ended)
    with pytest.raises(LedgerError, match="Another attempt of this task"):
        ledger.write([IntentLogged(2, "d2")])
    records = read_ledger(ObjectStorageStore(root, PARTS))[1]
    assert (records[1].state, records[2].state) == (BatchState.SUBMITTING, BatchState.ACCEPTED)


def test_of_attempts_that_begin_at_the_same_moment_one_may_write(root):
    stores = [ObjectStorageStore(root, PARTS) for _ in range(8)]
    barrier = threading.Barrier(len(stores))

    def begin(store):
        barrier.wait()
        try:
            store.acquire_fencing_token()
            store.set("key", 1)
        except LedgerError:
            return False
        return True

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(begin, stores))
    able = []
    for store in stores:
        with contextlib.suppress(LedgerError):
            store.set("key", 2)
            able.append(store)
    assert len(able) <= 1
    opened(root).set("key", 3)


def test_attempts_that_get_in_each_others_way_send_nothing(root, monkeypatch):
    store = ObjectStorageStore(root, PARTS)
    monkeypatch.setattr(store, "_read_claims", lambda: frozenset({"000009-ffffffff"}))
    with pytest.raises(LedgerError, match="at the same moment"):
        store.acquire_fencing_token()


def test_a_file_among_the_claims_that_is_none_stops_the_task(root):
    store = opened(root)
    (store._folder / "claims" / "what").write_text("")
    with pytest.raises(LedgerError, match=r"`claims` is not a claim"):
        ObjectStorageStore(root, PARTS).acquire_fencing_token()


@LOCAL
@pytest.mark.parametrize("fails", ["write", "fsync", "replace"])
def test_a_disk_that_fails_in_the_middle_of_a_write_keeps_the_value_before_it(
    tmp_path, monkeypatch, spelling, fails
):
    store = opened(spelling.format(tmp_path))
    store.set("key", "before")

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if fails == "write":
            patch.setattr("json.dumps", lambda _value: "x" * 1_000_000)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        elif fails == "fsync":
            patch.setattr(os, "fsync", full)
        else:
            patch.setattr(Path, "replace", full)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            with pytest.raises(LedgerStoreError, match="calls nobody twice"):
                store.set("key", "after")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            signal.signal(signal.SIGXFSZ, before)
    assert store.get("key") == "before"
    assert not list(tmp_path.rglob("*.draft"))


@LOCAL
def test_a_write_reaches_the_disk_before_the_request_leaves(tmp_path, monkeypatch, spelling):
    """The file before it gets its name, and the folder after it."""
    store = opened(spelling.format(tmp_path))
    done = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def watched_replace(path, target):
        done.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    store.set("key", 1)
    assert done == ["file", "name", "folder"]


WRITER = """
import sys
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
store = ObjectStorageStore(sys.argv[1], sys.argv[2:])
store.acquire_fencing_token()
number = 0
while True:
    number += 1
    store.put("key", {"number": number, "filler": "x" * 60_000})
    print(number, flush=True)
"""


@LOCAL
def test_a_writer_that_is_killed_leaves_a_whole_value_and_the_next_one_removes_its_drafts(tmp_path, spelling):
    root = spelling.format(tmp_path)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, root, *PARTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for _ in range(random.Random(spelling).randint(3, 60)):
        last = int(writer.stdout.readline())
    writer.kill()
    writer.communicate()
    assert ObjectStorageStore(root, PARTS).get("key")["number"] >= last
    folder = tmp_path / PARTS[0] / quote(PARTS[1], safe="") / "call" / "-1"
    recent, old = folder / "key.json.0000.draft", folder / "key.json.1111.draft"
    recent.touch()
    old.touch()
    os.utime(old, (0, 0))
    opened(root)
    assert (recent.exists(), old.exists()) == (True, False)


@LOCAL
def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path, spelling):
    (tmp_path / "file").touch()
    root = spelling.format(tmp_path / "file")
    with pytest.raises(LedgerStoreError, match="file' cannot be read or written"):
        ObjectStorageStore(root, PARTS).acquire_fencing_token()


@pytest.mark.parametrize("root", ["nosuch://bucket/ledgers", "gs://bucket", "sftp://user@host/ledgers"])
def test_a_storage_that_cannot_be_opened_is_an_error_about_the_ledger(root):
    with pytest.raises(
        LedgerStoreError, match=r"^The ledger below .* \(\w+: .+\)\. Check \[inforu\] ledger_path"
    ):
        ObjectStorageStore(root, PARTS).has_root_marker()
    with pytest.raises(
        LedgerStoreError, match=r"^The ledger below .* \(\w+: .+\)\. Check \[inforu\] ledger_path"
    ):
        list(iter_folders(root, [None] * 4))


def test_each_operation_explains_an_error_of_the_storages_own_kind(tmp_path, monkeypatch):
    store = opened(str(tmp_path))
    store.set("key", 1)
    for name in ("exists", "ls", "open", "touch"):
        monkeypatch.setattr(type(store._root.fs), name, Mock(side_effect=ZeroDivisionError("endpoint down")))
    for name in ("read_bytes", "touch"):
        monkeypatch.setattr(Path, name, Mock(side_effect=ZeroDivisionError("endpoint down")))
    operations = (
        store.has_root_marker,
        store.make_root_marker,
        store.latest,
        store.acquire_fencing_token,
        lambda: store.get("key"),
        lambda: store.set("key", 2),
    )
    for operation in operations:
        with pytest.raises(
            LedgerStoreError, match=r"cannot be read or written \(ZeroDivisionError: endpoint down\)"
        ):
            operation()


def test_an_error_of_the_storage_shows_no_secret_phone_or_control_character(tmp_path, monkeypatch):
    store = opened(str(tmp_path))
    error = ZeroDivisionError("could not reach https://user:TOKEN@host/x for 0500000001 twice\n\x1b[mred")
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=error))
    with pytest.raises(LedgerStoreError) as caught:
        store.get("key")
    shown = "could not reach https://user:***@host/x for [phone hidden] twice\\n\\x1b[mred"
    assert f"(ZeroDivisionError: {shown})" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_in_the_path_is_refused_and_not_shown():
    for use in (
        lambda root: ObjectStorageStore(root, PARTS),
        lambda root: list(iter_folders(root, [None] * 4)),
    ):
        with pytest.raises(LedgerError, match="contains a password") as caught:
            use("s3://user:TOKEN@bucket/ledgers")
        assert "TOKEN" not in str(caught.value)


def test_the_path_of_an_earlier_try_shows_no_password():
    evidence = Mock(send_id="5e0d", earlier_path="s3://user:TOKEN@bucket/ledgers")
    evidence.allows_new_send.return_value = False
    with pytest.raises(LedgerNotFoundError, match=r"below 's3://user:\*\*\*@bucket/ledgers'"):
        check_is_expected_send(evidence, None, resend=False)


def test_a_root_carries_its_marker_once_it_was_made(root):
    store = ObjectStorageStore(f"{root}/ledgers", PARTS)
    assert not store.has_root_marker()
    store.make_root_marker()
    assert ObjectStorageStore(f"{root}/ledgers", PARTS).has_root_marker()


class State:
    """Airflow's task state, as a task sees it."""

    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

    def set(self, key, value, *, retention):
        assert retention is NEVER_EXPIRE
        self.values[key] = value


@pytest.mark.parametrize("tries", [(1, 2, 3), (1, 1, 3), (2, 5, 5), (4, 4, 4)])
def test_every_attempt_of_a_task_finds_those_before_it_whatever_their_tries(tries):
    state = State()
    for number, try_number in enumerate(tries, start=1):
        ledger = open_ledger(TaskStateStore(state, try_number), NEW)
        assert sorted(ledger.records) == list(range(1, number))
        ledger.write([IntentLogged(number, "digest")])
    assert len({record.request.split(".")[0] for record in ledger.records.values()}) == 3
    assert TaskStateStore(state, 9).latest() == max(
        record.request.split(".")[0] for record in ledger.records.values()
    )


class FencedState(State):
    """Lets one write pass Airflow's check and stall, while a later attempt of the task begins and sends."""

    def __init__(self, stalls_at, later):
        super().__init__()
        self._stalls_at, self._later = stalls_at, later
        self._writes = 0
        self.is_replaced = False

    def get(self, key):
        return None if self.is_replaced else super().get(key)

    def set(self, key, value, *, retention):
        self._writes += 1
        if self._writes == self._stalls_at:
            self.is_replaced = True
            time.sleep(0.05)
            self._later(self)
        super().set(key, value, retention=retention)


@pytest.mark.parametrize("stalls_at", range(1, 5))
def test_a_write_that_stalls_while_a_whole_later_attempt_runs_sends_nothing(monkeypatch, stalls_at):
    monkeypatch.setattr(TaskStateStore, "ambiguous_write_threshold", 0.02)
    later = State()

    def run_a_whole_attempt(state):
        later.values = dict(state.values)
        open_ledger(TaskStateStore(later, 2), NEW).write([IntentLogged(1, "d"), Accepted(1, "t", 1)])

    first = TaskStateStore(FencedState(stalls_at, run_a_whole_attempt), 1)

    def send():
        for _ in range(2):
            open_ledger(first, NEW).write([IntentLogged(1, "d")])

    with pytest.raises(InforuError):
        send()


def test_an_intent_whose_write_stalled_is_read_back_before_its_request_leaves(monkeypatch):
    monkeypatch.setattr(TaskStateStore, "ambiguous_write_threshold", 0.02)

    def begin_a_later_attempt(state):
        later = State()
        later.values = dict(state.values)
        open_ledger(TaskStateStore(later, 2), NEW)

    ledger = open_ledger(TaskStateStore(FencedState(3, begin_a_later_attempt), 1), NEW)
    with pytest.raises(LedgerError, match="Another attempt of this task"):
        ledger.write([IntentLogged(1, "d")])


def test_what_cannot_be_read_back_is_not_a_ledger_that_never_was():
    state = State()
    state.get = lambda _key: None
    with pytest.raises(LedgerStoreError, match="contradicting"):
        TaskStateStore(state, 2).acquire_fencing_token()


def test_of_two_answers_that_contradict_each_other_none_is_believed():
    state = State()
    store = TaskStateStore(state, 1)
    store.set("key", 1)
    answers = iter([None])
    get = state.get
    state.get = lambda key: next(answers, get(key))
    with pytest.raises(LedgerStoreError, match="contradicting"):
        store.get("key")


def test_a_task_that_kept_nothing_in_its_state_has_no_ledger():
    assert TaskStateStore(State(), 3).latest() is None


def test_a_write_that_airflows_client_sent_again_is_not_a_sure_one(monkeypatch):
    waits, answers = [], [httpx.RemoteProtocolError("cut off"), httpx.Response(204)]

    def answer(_):
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    client = Client(base_url="http://airflow", token="", transport=httpx.MockTransport(answer))
    client.request("PUT", "state")
    assert answers == []
    assert sum(waits) > TaskStateStore(None, 1).ambiguous_write_threshold > 0


def test_where_airflow_is_told_to_try_again_sooner_fewer_writes_are_sure(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MIN", "0.2")
    assert TaskStateStore(None, 1).ambiguous_write_threshold == 0.1


@LOCAL
@pytest.mark.parametrize("dag_id", [".", "..", "../../x", "a/b"])
def test_a_ledger_stays_below_its_folder_whatever_the_dag_is_called(spelling, dag_id, tmp_path):
    folder = tmp_path / "outer" / "ledgers"
    folder.mkdir(parents=True)
    store = opened(spelling.format(folder), (dag_id, *PARTS[1:]))
    store.set("key", 5)
    assert [one.name for one in (tmp_path / "outer").iterdir()] == ["ledgers"]
    assert len(list(folder.iterdir())) == 1
    assert opened(spelling.format(folder), (dag_id, *PARTS[1:])).get("key") == 5
