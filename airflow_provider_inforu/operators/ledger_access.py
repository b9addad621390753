"""Open the store of a task instance's ledger, and refuse a try whose earlier ledger is out of sight."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import AIRFLOW_VERSION, AirflowFailException, conf
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS
from airflow_provider_inforu.ledger.ledger_errors import LedgerError
from airflow_provider_inforu.ledger.local_files import local_path
from airflow_provider_inforu.ledger.object_storage_store import ROOT_MARKER, ObjectStorageStore
from airflow_provider_inforu.ledger.task_state_store import MemoryStore, TaskStateStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.operators.earlier_send import Earlier
    from airflow_provider_inforu.operators.send_evidence import SendEvidence

log = logging.getLogger(__name__)

HOW_TO_RESEND = "To call everybody again on purpose, set resend=True and clear the task."


class LedgerNotFoundError(LedgerError):
    """An earlier try may have called people, and its ledger cannot be found."""


def read_ledger_path() -> str:
    """Return ``[inforu] ledger_path``; empty for Airflow's task state."""
    return str(conf.get("inforu", "ledger_path", fallback=""))


def open_store(context: Context, evidence: SendEvidence, *, resend: bool) -> LedgerStore:
    """Return the store of a task instance's ledger.

    It is an object-storage path where ``[inforu] ledger_path`` is set, else Airflow's task state (3.3 and
    later). With neither, a first try keeps the ledger in memory, and any later one is refused.

    :param context: The task's context.
    :param evidence: What is known of earlier tries without the ledger.
    :param resend: Whether the user said that everybody may be called again.
    :raises AirflowFailException: There is no store, and an earlier try may have called people.
    :raises LedgerNotFoundError: An earlier try began a send, and its ledger is not where this try looks.
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
        raise AirflowFailException(
            f"This is try {instance.try_number}, and no ledger says who was called by an earlier try. "
            f"{NO_NEW_CALLS}. This version of Airflow keeps no state for tasks: set [inforu] ledger_path for "
            "later sends. "
            f"The log of the earlier try lists the recipients. {HOW_TO_RESEND}"
        )
    return MemoryStore()


def _check_root(store: ObjectStorageStore, path: str, evidence: SendEvidence, *, may_begin: bool) -> None:
    """Mark a new root in a first try, and refuse a root without a mark in a later one."""
    if store.has_root_marker():
        return
    if evidence.has_earlier_send and not may_begin:
        raise _not_found(evidence)
    if evidence.is_later_try and not (may_begin or evidence.rules_out_earlier_send):
        raise LedgerNotFoundError(
            f"No try has used {path!r} for ledgers yet: the file {ROOT_MARKER!r} is missing there. Is its "
            f"volume not mounted on this worker, or is it the disk of another worker? {NO_NEW_CALLS}. Mount "
            f"the shared path that earlier tries used. If the path is new and no earlier try called anybody, "
            f"create an empty file {ROOT_MARKER!r} in it. A retry looks again"
        )
    store.make_root_marker()


def _check_is_visible(
    store: ObjectStorageStore | TaskStateStore, evidence: SendEvidence, *, may_begin: bool
) -> None:
    """Refuse a try whose ledger is missing although an earlier try began one."""
    if may_begin or not (evidence.has_earlier_send or evidence.is_later_try):
        return
    if store.latest() is not None:
        return
    if evidence.has_earlier_send:
        raise _not_found(evidence)
    if conf.getboolean("inforu", "require_ledger", fallback=False):
        raise LedgerNotFoundError(
            f"This is a later try, and no earlier try left a ledger. {NO_NEW_CALLS}. [inforu] require_ledger "
            f"refuses such a try. {HOW_TO_RESEND}"
        )
    if evidence.was_cleared and isinstance(store, TaskStateStore) and _deletes_task_state():
        raise LedgerNotFoundError(
            f"The task was cleared, and Airflow deletes the ledger then, or after a success. {NO_NEW_CALLS}. "
            f"Set [inforu] ledger_path, so that later ledgers are kept. {HOW_TO_RESEND}"
        )
    log.warning(
        "This is a later try, and no earlier try left a trace of a send: it ended before its first request. "
        "So everybody is called now. [inforu] require_ledger would refuse this"
    )


def check_is_expected_send(evidence: SendEvidence, earlier: Earlier | None, *, resend: bool) -> None:
    """Refuse a ledger of an earlier send, such as one on another worker's disk.

    :param evidence: What is known of earlier tries without the ledger.
    :param earlier: The send that the ledger holds; None where this try begins one.
    :param resend: Whether the user said that everybody may be called again.
    :raises LedgerNotFoundError: The last try began another send.
    """
    if evidence.send_id is None or evidence.allows_new_send(resend=resend):
        return
    if earlier is None or earlier.header.send_id != evidence.send_id:
        raise _not_found(evidence)


def _deletes_task_state() -> bool:
    """Return whether Airflow deletes a task's state in the ordinary course of events."""
    return AIRFLOW_VERSION >= (3, 4) or conf.getboolean("state_store", "clear_on_success", fallback=False)


def _not_found(evidence: SendEvidence) -> LedgerNotFoundError:
    place = f" with its ledger below {evidence.earlier_path!r}" if evidence.earlier_path else ""
    return LedgerNotFoundError(
        f"An earlier try of this task began a send{place}, and this try does not find the ledger. Was "
        "Airflow's task state cleared, is the volume of [inforu] ledger_path not mounted on this worker, or "
        f"did the option change? {NO_NEW_CALLS}. Make the ledger visible again: a retry then calls nobody "
        f"twice. {HOW_TO_RESEND}"
    )


def _warn_if_workers_do_not_share(path: str) -> None:
    """Warn where the ledger is on this worker's own disk, and a retry may run on another worker."""
    from airflow.sdk import ObjectStoragePath

    folder = local_path(ObjectStoragePath(path))
    executors = conf.get("core", "executor", fallback="")
    is_one_machine = all("Local" in name for name in executors.split(","))
    if folder is None or is_one_machine or not _is_on_own_disk(folder):
        return
    log.warning(
        "[inforu] ledger_path is on this worker's own disk, and the executor is %s. A retry on another "
        "worker does not find the ledger there and is refused. Use a path that all workers share",
        executors,
    )


def _is_on_own_disk(folder: Path) -> bool:
    """Return whether a folder is on the file system of ``/``, where no volume is mounted."""
    existing = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    return existing.stat().st_dev == Path("/").stat().st_dev


@contextlib.contextmanager
def no_retry_on_ledger_errors() -> Iterator[None]:
    """Fail the task without a retry on a ledger that does not fit or cannot be read: a retry changes nothing.

    A ledger that is not found may be there for the next try, so that error is retried.

    :raises AirflowFailException: In place of a LedgerError.
    """
    try:
        yield
    except LedgerNotFoundError:
        raise
    except LedgerError as error:
        raise AirflowFailException(str(error)) from None
