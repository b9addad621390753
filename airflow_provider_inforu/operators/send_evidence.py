"""Evidence, kept apart from the ledger, that an earlier try of a task instance began a send.

A ledger can be out of sight: its volume is not mounted, its disk belongs to another worker, or somebody
cleared Airflow's task state. Then it looks like a ledger that never was. So each send also leaves evidence:

- an XCom of the task. Airflow deletes it when the next try starts, and tells that try the deleted keys.
- with ``[inforu] ledger_path`` on Airflow 3.3 or later: a value in Airflow's task state.

A try that died before its send began leaves no evidence, so its retry sends as usual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sending.ledger_keys import PREFIX

if TYPE_CHECKING:
    from airflow.sdk import Context

XCOM_KEY = "inforu_send"
STATE_KEY = f"{PREFIX}.path"


class SendEvidence:
    """What one try knows of earlier tries of its task instance, without the ledger.

    :param context: The task's context.
    :param ledger_path: ``[inforu] ledger_path``, or empty for Airflow's task state.
    """

    def __init__(self, context: Context, ledger_path: str) -> None:
        self._instance: Any = context["ti"]
        state: Any = context.get("task_state_store")
        self._state = state if ledger_path else None
        self._ledger_path = ledger_path
        task: Any = context.get("task")
        max_tries = self._instance.max_tries or 0
        self.was_cleared = task is not None and max_tries > (task.retries or 0)
        """Whether a person cleared the task: Airflow then allows as many tries again."""
        self.is_later_try = self._instance.try_number > 1
        path = None if self._state is None else self._state.get(STATE_KEY)
        self.earlier_path: str | None = path
        """The ``ledger_path`` of the earlier try, where Airflow's task state knows it."""
        self.has_earlier_send = self._has_xcom() or self.earlier_path is not None
        """Whether an earlier try began a send."""
        if self.has_earlier_send:
            self._push({"send_id": None})  # Airflow has just deleted it, and this try may end early

    def register(self, send_id: str, conn_id: str) -> None:
        """Leave evidence of a send whose ledger has begun, before its first request.

        :param send_id: Of the send.
        :param conn_id: Of the connection that sends.
        """
        self._push({"send_id": send_id, "inforu_conn_id": conn_id})
        if self._state is not None:
            from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # missing in Airflow's own stub

            self._state.set(STATE_KEY, self._ledger_path, retention=NEVER_EXPIRE)

    def _has_xcom(self) -> bool:
        server = getattr(self._instance, "_ti_context_from_server", None)
        if getattr(server, "next_method", None):  # after a deferral Airflow keeps the XComs
            found = self._instance.xcom_pull(key=XCOM_KEY, map_indexes=self._instance.map_index)
            return found is not None
        return XCOM_KEY in (getattr(server, "xcom_keys_to_clear", None) or ())

    def _push(self, value: dict[str, Any]) -> None:
        self._instance.xcom_push(key=XCOM_KEY, value=value)
