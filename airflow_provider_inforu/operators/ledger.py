"""Which store keeps the ledger of a task instance, and which part of the task's life this attempt is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import AIRFLOW_VERSION, AirflowFailException, conf
from airflow_provider_inforu.sending.batch_state import LedgerError
from airflow_provider_inforu.sending.stores import MemoryStore, ObjectStorageStore, TaskStateStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_inforu.sending.ledger import LedgerStore

AIRFLOW_V_3_4_PLUS = AIRFLOW_VERSION >= (3, 4)
MARK = "inforu_try"


def store_of(context: Context, *, resend: bool) -> LedgerStore:
    """Return where the ledger of a task instance is kept.

    An object-storage path where ``[inforu] ledger_path`` is set, else Airflow's task state (3.3 and later).
    With neither a first try keeps it in memory, and any later one is refused.

    :param context: The task's context.
    :param resend: Whether the user said that everybody may be called again.
    :raises AirflowFailException: Neither is there, and an earlier try may have called people.
    """
    instance = context["ti"]
    if path := conf.get("inforu", "ledger_path", fallback=""):
        parts = (instance.dag_id, instance.run_id, instance.task_id, str(instance.map_index))
        return ObjectStorageStore(path, parts)
    state: Any = context.get("task_state_store")
    if state is not None:
        return TaskStateStore(state, instance.try_number)
    if instance.try_number > 1 and not resend:
        raise AirflowFailException(
            f"nothing was sent: this is try {instance.try_number}, and no ledger could tell whom "
            "an earlier try called. This version of Airflow keeps no state for tasks: for sends to come, set "
            "[inforu] ledger_path to an object-storage path. Of this one, see the log of the earlier try; to "
            "call everybody again, set resend=True"
        )
    return MemoryStore()


def refuse_if_forgotten(store: LedgerStore, try_number: int) -> None:
    """Refuse a later try whose ledger Airflow may have deleted.

    Airflow 3.4 deletes a task's state when the task is cleared, and any version does it after a success where
    ``[state_store] clear_on_success`` is set. Then "no ledger" does not mean that nobody was called. So there
    each try leaves a mark at its very beginning: a later try that finds none finds a state that was deleted.

    :param store: Where the ledger is kept.
    :param try_number: Counts from 1.
    :raises LedgerError: The state was deleted since an earlier try.
    """
    forgetful = AIRFLOW_V_3_4_PLUS or conf.getboolean("state_store", "clear_on_success", fallback=False)
    if not isinstance(store, TaskStateStore) or not forgetful:
        return
    if try_number > 1 and store.get(MARK) is None:
        raise LedgerError(
            "nothing was sent: Airflow has deleted the state of this task, so whom an earlier try called is "
            "not known. To call everybody (again), set resend=True; for the ledgers of sends to come to be "
            "kept, set [inforu] ledger_path"
        )
    store.set(MARK, try_number)


@contextlib.contextmanager
def no_retry_on_ledger_errors() -> Iterator[None]:
    """Fail the task without a retry on a ledger that does not fit or cannot be read: no retry mends that.

    :raises AirflowFailException: In place of a LedgerError.
    """
    try:
        yield
    except LedgerError as error:
        raise AirflowFailException(str(error)) from None


def life_of(context: Context) -> int:
    """Return what changes when the task instance is cleared, and neither with a retry nor an edit.

    :param context: The task's context.
    """
    return int(context["ti"].max_tries or 0)
