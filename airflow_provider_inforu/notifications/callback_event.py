"""Read the event of a callback from its context. Each kind of callback has a different context."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from airflow_provider_inforu.capi.redact import hide_phones

# Airflow's own run IDs. Their date looks like a phone, but the log must show it, so that people find the run.
_RUN_ID = re.compile(r"[a-z_]+__\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(\+\d\d:\d\d)?(_[A-Za-z0-9]{1,8})?")


class Kind(Enum):
    """The kind of an event. Logs and cool-downs use the value."""

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
class CallbackEvent:
    """The event of a callback. A text is empty if the context does not contain it.

    :ivar kind: The kind of the event.
    :ivar dag_id: The ID of the DAG.
    :ivar task_id: The ID of the task; empty if the event is about a whole DAG.
    :ivar dag_name: The display name of the DAG.
    :ivar task_name: The display name of the task.
    :ivar question: The question that a person must decide.
    :ivar run_id: The ID of the DAG run; only for a deadline, whose log belongs to no task and no DAG.
    """

    kind: Kind
    dag_id: str = ""
    task_id: str = ""
    dag_name: str = ""
    task_name: str = ""
    question: str = ""
    run_id: str = ""

    @property
    def name(self) -> str:
        """The name in the log, without phones."""
        run_id = self.run_id if _RUN_ID.fullmatch(self.run_id) else hide_phones(self.run_id)
        return " ".join(filter(None, (hide_phones(self._about), run_id)))

    @property
    def subject(self) -> str:
        """The subject that a cool-down compares: the kind, the DAG, the task and the question.

        The run and the map index are not part of it, so that ten failed mapped tasks cause one alert.
        """
        return " ".join(filter(None, (self._about, self.question)))

    @property
    def _about(self) -> str:
        return " ".join(filter(None, (self.kind.value, self.dag_id, self.task_id)))


_KINDS_BY_STATE = {
    "failed": Kind.TASK_FAILED,
    "up_for_retry": Kind.TASK_RETRIES,
    "success": Kind.TASK_SUCCEEDED,
    "skipped": Kind.TASK_SKIPPED,
}
_KINDS_BY_PLACE = {
    "on_failure_callback": Kind.TASK_FAILED,
    "on_retry_callback": Kind.TASK_RETRIES,
    "on_success_callback": Kind.TASK_SUCCEEDED,
    "on_skipped_callback": Kind.TASK_SKIPPED,
    "on_execute_callback": Kind.TASK_STARTS,
    "notifiers": Kind.TASK_WAITS,
}


def read_event(context: Mapping[str, Any], notifier: object) -> CallbackEvent:
    """Return the event of a callback, from the available parts of the context.

    :param context: The context of the callback.
    :param notifier: The notifier. The callback lists of the task show for which event it is.
    """
    kind = _find_kind(context, notifier)
    is_of_task = kind.name.startswith("TASK")
    dag, dag_run, instance = context.get("dag"), context.get("dag_run"), _instance(context)
    task = _task(context)
    dag_id = _first(_get(dag, "dag_id"), _get(dag_run, "dag_id"), _get(instance, "dag_id"))
    task_id = _first(_get(instance, "task_id"), _get(task, "task_id")) if is_of_task else ""
    is_deadline = kind is Kind.DEADLINE_MISSED
    return CallbackEvent(
        kind=kind,
        dag_id=dag_id,
        task_id=task_id,
        dag_name=_first(_get(dag, "dag_display_name"), _get(dag_run, "dag_display_name"), dag_id),
        task_name=_first(_get(task, "task_display_name"), task_id) if is_of_task else "",
        question=_first(_get(task, "subject")) if kind is Kind.TASK_WAITS else "",
        run_id=_first(_get(dag_run, "run_id"), _get(dag_run, "dag_run_id")) if is_deadline else "",
    )


def _find_kind(context: Mapping[str, Any], notifier: object) -> Kind:
    if "deadline" in context:
        return Kind.DEADLINE_MISSED
    if "reason" in context:
        return Kind.DAG_SUCCEEDED if context["reason"] == "success" else Kind.DAG_FAILED
    instance = _instance(context)
    if instance is None:
        return Kind.UNKNOWN
    state = str(getattr(_get(instance, "state"), "value", _get(instance, "state")))
    if state in _KINDS_BY_STATE:
        return _KINDS_BY_STATE[state]
    # Before Airflow 3.2 the state is "running" even after the end of the task. The DAG processor, which
    # reports lost tasks, has no state. So use the callback list that contains the notifier, if only one
    # contains it.
    task = _task(context)
    places = [kind for place, kind in _KINDS_BY_PLACE.items() if _is_in(_get(task, place), notifier)]
    return places[0] if len(places) == 1 else _kind_in(places, context, state)


def _kind_in(places: list[Kind], context: Mapping[str, Any], state: str) -> Kind:
    """Return the kind if several callback lists of the task contain the notifier, or if no list does."""
    instance = _instance(context)
    if state == "running" and "exception" not in context:
        return Kind.TASK_WAITS if Kind.TASK_WAITS in places else Kind.TASK_STARTS
    if state == "running" and not context["exception"]:
        return Kind.TASK_SUCCEEDED
    return Kind.TASK_RETRIES if _is_tried_again(context.get("exception"), instance) else Kind.TASK_FAILED


def _is_tried_again(exception: object, instance: object) -> bool:
    from airflow_provider_inforu._compat import AirflowFailException

    tries, most = _get(instance, "try_number"), _get(instance, "max_tries")
    has_tries = isinstance(tries, int) and isinstance(most, int) and tries <= most
    return has_tries and not isinstance(exception, AirflowFailException)


def _is_in(place: object, notifier: object) -> bool:
    listed = place if isinstance(place, Sequence) else (place,)
    return any(one is notifier for one in listed)


def _instance(context: Mapping[str, Any]) -> object:
    return context.get("ti") or context.get("task_instance")


def _task(context: Mapping[str, Any]) -> object:
    return _get(_instance(context), "task") or context.get("task")


def _get(thing: object, name: str) -> Any:  # noqa: ANN401 - whatever it is
    """Return an attribute of an object, or an entry of a mapping: a deadline's context has mappings."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _first(*texts: object) -> str:
    return next((text for text in texts if isinstance(text, str) and text), "")
