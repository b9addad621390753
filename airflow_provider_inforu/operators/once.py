"""Keeps a later try of a task from calling people whom an earlier try may have called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

STATE_KEY = "inforu_send"

_GO_ON = (
    "See the log of the earlier try for who was called. To call people again, run the task in a new DAG run "
    "with the recipients who are left"
)


class SendOnce:
    """A mark in the task's state, which survives retries, kills and clears (Airflow 3.3 and later).

    It is written before the first request and taken away only when it is proven that nobody was called.
    Where Airflow keeps no state for tasks, every try but the first is refused.

    :param context: The task's context.
    """

    def __init__(self, context: Context) -> None:
        self._store: Any = context.get("task_state_store")
        self._try_number = context["ti"].try_number

    def begin(self, send_id: str) -> None:
        """Mark the send as begun, or refuse it.

        :param send_id: The send that is about to make its first request.
        :raises AirflowFailException: An earlier try may have called people.
        """
        if self._store is None:
            if self._try_number > 1:
                raise AirflowFailException(
                    f"nothing was sent: this is try {self._try_number}, and this version of Airflow keeps no "
                    f"state that could tell whom an earlier try called. {_GO_ON}"
                )
            return
        if (earlier := self._store.get(STATE_KEY)) is not None:
            raise AirflowFailException(
                f"nothing was sent: an earlier try of this task made the send {earlier} and may have called "
                f"people. {_GO_ON}"
            )
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # missing in Airflow's own stub

        # From an attempt that Airflow has given up, reads look empty but this write fails: it is the fence.
        self._store.set(STATE_KEY, send_id, retention=NEVER_EXPIRE)

    def nobody_was_called(self) -> None:
        """Take the mark away, so that the next try sends."""
        if self._store is not None:
            self._store.delete(STATE_KEY)
