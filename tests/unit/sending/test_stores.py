"""The store in object storage: what it keeps, and that two attempts cannot both send."""

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_inforu.sending.batch_state import LedgerError
from airflow_provider_inforu.sending.stores import ObjectStorageStore

PARTS = ("dag", "scheduled__2026-11-23T07:00:00+00:00", "call", "-1")


@pytest.fixture(params=["file", "memory"])
def root(request, tmp_path):
    return f"file://{tmp_path}" if request.param == "file" else f"memory://{tmp_path.name}"


def opened(root, parts=PARTS):
    store = ObjectStorageStore(root, parts)
    store.claim()
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
    with pytest.raises(LedgerError, match="another attempt of this task has begun"):
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
    with pytest.raises(LedgerError, match="another attempt of this task has begun"):
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
    first.claim()
    first.set("before the claim", 1)
    second.claim()
    assert second.get("before the claim") == 1
    with pytest.raises(LedgerError):
        first.set("after the claim", 1)


def test_a_value_that_is_not_json_is_an_error_and_not_an_absence(tmp_path):
    store = opened(f"file://{tmp_path}")
    store.set("key", 1)
    (path,) = tmp_path.rglob("key.json")
    path.write_text("{")
    with pytest.raises(LedgerError, match=r"key\.json is not JSON"):
        store.get("key")


def test_an_attempt_that_is_overtaken_while_it_writes_sends_nothing(root, monkeypatch):
    first = opened(root)
    write = ObjectStorageStore._write

    def overtaken(path, text):
        write(path, text)
        opened(root)

    monkeypatch.setattr(first, "_write", overtaken)
    with pytest.raises(LedgerError, match="another attempt of this task has begun"):
        first.set("key", 1)
