"""What happened, as far as the context of a callback tells: each kind of callback brings another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """What a callback is about. The value names it in the log, and in the cool-down."""

    TASK_FAILED = "task failed"
    TASK_RETRIES = "task failed and is tried again"
    TASK_SUCCEEDED = "task succeeded"
    TASK_SKIPPED = "task was skipped"
    TASK_STARTS = "task starts"
    TASK_WAITS = "task waits for a decision"
    DAG_FAILED = "DAG failed"
    DAG_SUCCEEDED = "DAG succeeded"
    DEADLINE_MISSED = "deadline missed"
    UNKNOWN = "callback"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened, and where. A text is empty where the context does not have it.

    :ivar kind: What happened.
    :ivar dag_id: The DAG.
    :ivar task_id: The task; empty for what is about a whole DAG.
    :ivar dag_name: What people call the DAG: its display name.
    :ivar task_name: What people call the task.
    :ivar question: What a person is asked to decide.
    """

    kind: Kind
    dag_id: str = ""
    task_id: str = ""
    dag_name: str = ""
    task_name: str = ""
    question: str = ""

    @property
    def subject(self) -> str:
        """What one cool-down is about: not the run or the map index, so that ten that fail ring once."""
        return " ".join(filter(None, (self.kind.value, self.dag_id, self.task_id)))


_KINDS_BY_STATE = {
    "failed": Kind.TASK_FAILED,
    "up_for_retry": Kind.TASK_RETRIES,
    "success": Kind.TASK_SUCCEEDED,
    "skipped": Kind.TASK_SKIPPED,
}


def occasion_of(context: Mapping[str, Any], notifier: object) -> Occasion:
    """Return what happened, from whatever the context has.

    :param context: Of the callback.
    :param notifier: Who asks: a task that waits for a person lists its notifiers.
    """
    kind = _kind_of(context, notifier)
    is_of_task = kind.name.startswith("TASK")
    dag, dag_run, instance = context.get("dag"), context.get("dag_run"), _instance(context)
    task = _of(instance, "task") or context.get("task")
    dag_id = _first(_of(dag, "dag_id"), _of(dag_run, "dag_id"), _of(instance, "dag_id"))
    task_id = _first(_of(instance, "task_id"), _of(task, "task_id")) if is_of_task else ""
    return Occasion(
        kind=kind,
        dag_id=dag_id,
        task_id=task_id,
        dag_name=_first(_of(dag, "dag_display_name"), _of(dag_run, "dag_display_name"), dag_id),
        task_name=_first(_of(task, "task_display_name"), task_id) if is_of_task else "",
        question=_first(_of(task, "subject")) if kind is Kind.TASK_WAITS else "",
    )


def _kind_of(context: Mapping[str, Any], notifier: object) -> Kind:
    if "deadline" in context:
        return Kind.DEADLINE_MISSED
    if "reason" in context:
        return Kind.DAG_SUCCEEDED if context["reason"] == "success" else Kind.DAG_FAILED
    instance = _instance(context)
    if instance is None:
        return Kind.UNKNOWN
    state = str(getattr(_of(instance, "state"), "value", _of(instance, "state")))
    if state in _KINDS_BY_STATE:
        return _KINDS_BY_STATE[state]
    if state == "running" and not context.get("exception"):
        return _kind_of_running(context, notifier)
    # The DAG processor tells of a task that was lost, without a state.
    return Kind.TASK_FAILED


def _kind_of_running(context: Mapping[str, Any], notifier: object) -> Kind:
    if "exception" in context:
        return Kind.TASK_SUCCEEDED
    task = _of(_instance(context), "task")
    waits = any(one is notifier for one in _of(task, "notifiers") or ())
    return Kind.TASK_WAITS if waits else Kind.TASK_STARTS


def _instance(context: Mapping[str, Any]) -> object:
    return context.get("ti") or context.get("task_instance")


def _of(thing: object, name: str) -> Any:  # noqa: ANN401 - whatever it is
    """Return an attribute, or an entry: in a deadline's context things are mappings."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _first(*texts: object) -> str:
    return next((text for text in texts if isinstance(text, str) and text), "")
