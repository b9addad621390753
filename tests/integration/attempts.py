"""What attempts of a task do with its ledger in object storage, for other processes to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.ledger.ledger_events import IntentLogged
from airflow_provider_inforu.ledger.ledger_log import Ledger, open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore

if TYPE_CHECKING:
    from airflow_provider_inforu.ledger.batch_state import BatchState

NEW = Header("5e4d", "options_digest", batches=3, recipients=250, clear_generation=0)
# What Airflow calls a run was not made for the name of an object.
PARTS = ("dag", "scheduled__2026-11-23T07:00:00+00:00", "call", "-1")


def begin(root: str) -> Ledger:
    return open_ledger(ObjectStorageStore(root, PARTS), NEW)


def begin_and_submit(root: str, number: int) -> None:
    begin(root).write([IntentLogged(number, f"digest{number}")])


def states(root: str) -> dict[int, BatchState] | None:
    found = read_ledger(ObjectStorageStore(root, PARTS))
    return None if found is None else {number: record.state for number, record in found[1].items()}
