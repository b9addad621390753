"""Which store keeps the ledger of a task instance, and which part of the task's life this attempt is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, conf

from airflow_provider_inforu.sending.stores import MemoryStore, ObjectStorageStore, TaskStateStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_inforu.sending.ledger import LedgerStore


def store_of(context: Context, *, resend: bool) -> LedgerStore:
    """Return where the ledger of a task instance is kept.

    An object-storage path where ``[inforu] ledger_path`` is set, else Airflow's task state (3.3 and later).
    With neither a first try keeps it in memory, and any later one is refused.

    :param context: The task's context.
    :param resend: Whether the user said that people in doubt may be called again.
    :raises AirflowFailException: Neither is there, and an earlier try may have called people.
    """
    instance = context["ti"]
    if path := conf.get("inforu", "ledger_path", fallback=""):
        parts = (instance.dag_id, instance.run_id, instance.task_id, str(instance.map_index))
        return ObjectStorageStore(path, parts)
    state: Any = context.get("task_state_store")
    if state is not None:
        return TaskStateStore(state)
    if instance.try_number > 1 and not resend:
        raise AirflowFailException(
            f"nothing was sent: this is try {instance.try_number}, and no ledger could tell whom "
            "an earlier try called. This version of Airflow keeps no state for tasks: for sends to come, set "
            "[inforu] ledger_path to an object-storage path. Of this one, see the log of the earlier try; to "
            "call everybody again, set in_doubt='resend'"
        )
    return MemoryStore()


def life_of(context: Context, retries: int) -> int:
    """Return how often the task instance was cleared: it grows with each clear, not with a retry.

    :param context: The task's context.
    :param retries: The task's own retries.
    """
    return max(0, int(context["ti"].max_tries or 0) - retries)
