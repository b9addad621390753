"""Open the store of a task instance's ledger, and refuse a try that does not find the earlier ledger."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import AIRFLOW_VERSION, conf
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.capi.redact import hide_passwords
from airflow_provider_inforu.ledger.ledger_errors import LedgerNotFoundError, NoLedgerStoreError
from airflow_provider_inforu.ledger.local_files import local_path
from airflow_provider_inforu.ledger.object_storage_store import ROOT_MARKER, ObjectStorageStore
from airflow_provider_inforu.ledger.send_evidence import read_ledger_path
from airflow_provider_inforu.ledger.task_state_store import MemoryStore, TaskStateStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.ledger.send_evidence import SendEvidence

log = logging.getLogger(__name__)

HOW_TO_RESEND = "To call everybody again on purpose, set resend=True and clear the task."


def open_store(context: Context, evidence: SendEvidence, *, resend: bool) -> LedgerStore:
    """Return the store of a task instance's ledger.

    The store is ``[inforu] ledger_path`` if this option is set. Otherwise it is Airflow's task state (Airflow
    3.3 and later). Without either, a first try keeps the ledger in memory, and a later try is refused.

    :param context: The task's context.
    :param evidence: The evidence of earlier tries.
    :param resend: The argument ``resend``.
    :raises NoLedgerStoreError: No store exists, and an earlier try may have called people.
    :raises LedgerNotFoundError: An earlier try began a send, and this try does not find its ledger.
    """
    instance = context["ti"]
    may_begin = evidence.allows_new_send(resend=resend)
    if path := read_ledger_path():
        parts = (instance.dag_id, instance.run_id, instance.task_id, str(instance.map_index))
        store = ObjectStorageStore(path, parts)
        _warn_if_workers_do_not_share(path)
        _check_root(store, path, evidence, may_begin=may_begin)
        _check_is_visible(store, evidence, may_begin=may_begin)
        return store
    state: Any = context.get("task_state_store")
    if state is not None:
        task_state = TaskStateStore(state, instance.try_number)
        _check_is_visible(task_state, evidence, may_begin=may_begin)
        return task_state
    if evidence.is_later_try and not may_begin:
        raise NoLedgerStoreError(
            f"This is try {instance.try_number}, and no ledger records the calls of the earlier tries. "
            f"{NO_NEW_CALLS}. The log of the earlier try lists its recipients. For later sends set [inforu] "
            f"ledger_path, because this version of Airflow keeps no state for tasks. {HOW_TO_RESEND}"
        )
    return MemoryStore()


def _check_root(store: ObjectStorageStore, path: str, evidence: SendEvidence, *, may_begin: bool) -> None:
    """Write the marker file in a first try, and refuse a path without the file in a later try."""
    if store.has_root_marker():
        return
    if evidence.has_earlier_send and not may_begin:
        raise _not_found(evidence)
    if evidence.is_later_try and not (may_begin or evidence.rules_out_earlier_send):
        raise LedgerNotFoundError(
            f"The ledger path {path!r} contains no file {ROOT_MARKER!r}, so no earlier try used it from "
            f"here. {NO_NEW_CALLS}. Is its volume not mounted on this worker, or is it another worker's "
            "disk? Mount the path that the earlier tries used. If the path is new and no earlier try called "
            f"anybody, create an empty file {ROOT_MARKER!r} in it. Then a retry continues"
        )
    store.make_root_marker()


def _check_is_visible(
    store: ObjectStorageStore | TaskStateStore, evidence: SendEvidence, *, may_begin: bool
) -> None:
    """Refuse a try if the ledger is missing but an earlier try may have begun one."""
    if may_begin or not (evidence.has_earlier_send or evidence.is_later_try):
        return
    if store.latest() is not None:
        return
    if evidence.has_earlier_send:
        raise _not_found(evidence)
    if conf.getboolean("inforu", "require_ledger", fallback=False):
        raise LedgerNotFoundError(
            "This is not the first try, and no earlier try left a ledger. [inforu] require_ledger refuses "
            f"such a try. {NO_NEW_CALLS}. {HOW_TO_RESEND}"
        )
    if evidence.was_cleared and isinstance(store, TaskStateStore) and _deletes_task_state():
        raise LedgerNotFoundError(
            "The task was cleared and its ledger is missing: this Airflow deletes task state after a clear "
            f"or a success. {NO_NEW_CALLS}. Set [inforu] ledger_path to keep later ledgers. {HOW_TO_RESEND}"
        )
    log.warning(
        "This is not the first try, but no earlier try began a send. So this try calls everybody. To refuse "
        "such a try, set [inforu] require_ledger"
    )


def check_is_expected_send(evidence: SendEvidence, found: str | None, *, resend: bool) -> None:
    """Check that the ledger belongs to the send of the last try.

    The ledger may be an older one, for example on another worker's disk.

    :param evidence: The evidence of earlier tries.
    :param found: The ID of the send in the ledger; None if this try begins one.
    :param resend: The argument ``resend``.
    :raises LedgerNotFoundError: The last try began another send.
    """
    if evidence.send_id is None or evidence.allows_new_send(resend=resend):
        return
    if found != evidence.send_id:
        raise _not_found(evidence)


def _deletes_task_state() -> bool:
    """Return whether Airflow deletes a task's state after a clear or a success."""
    return AIRFLOW_VERSION >= (3, 4) or conf.getboolean("state_store", "clear_on_success", fallback=False)


def _not_found(evidence: SendEvidence) -> LedgerNotFoundError:
    path = hide_passwords(evidence.earlier_path or "")
    place = f" with its ledger below {path!r}" if path else ""
    return LedgerNotFoundError(
        f"An earlier try of this task began a send{place}, and this try does not find the ledger. "
        f"{NO_NEW_CALLS}. Was Airflow's task state cleared, is the volume of [inforu] ledger_path not "
        "mounted on this worker, or did the option change? Restore access to the ledger. Then a retry "
        "continues and calls nobody twice. If the ledger is deleted, look at the send in the Inforu portal. "
        f"Mark the task as success if everybody was called. {HOW_TO_RESEND}"
    )


def _warn_if_workers_do_not_share(path: str) -> None:
    """Log a warning if the ledger is on this worker's own disk and a retry may run on another worker."""
    from airflow.sdk import ObjectStoragePath

    folder = local_path(ObjectStoragePath(path))
    executors = conf.get("core", "executor", fallback="")
    is_one_machine = all("Local" in name for name in executors.split(","))
    if folder is None or is_one_machine or not _is_on_own_disk(folder):
        return
    log.warning(
        "[inforu] ledger_path is on this worker's own disk, and the executor is %s. A retry on another "
        "worker would not find the ledger, and would be refused. Use a path that all workers share",
        executors,
    )


def _is_on_own_disk(folder: Path) -> bool:
    """Return whether a folder is on the file system of ``/``, and so not on a mounted volume."""
    existing = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    return existing.stat().st_dev == Path("/").stat().st_dev
