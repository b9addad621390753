"""Evidence outside the ledger that an earlier try of a task instance began a send.

A try may not find an existing ledger: its volume is not mounted, its disk belongs to another worker, or
somebody cleared Airflow's task state. Such a ledger looks as if it never existed. So each send also leaves
evidence:

- XComs of the task. Airflow deletes them when the next try starts, and tells this try the deleted keys. So
  the keys contain the facts, and each try first pushes them again.
- A value in Airflow's task state, with ``ledger_path`` on Airflow 3.3 or later.

A try that dies before its send begins leaves no evidence, so its retry sends as usual.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_inforu._compat import conf
from airflow_provider_inforu.ledger.ledger_keys import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

XCOM_KEY = "inforu_send"
STATE_KEY = f"{PREFIX}.path"
_MOST_OF_KEY = 400
"""The longest ID of a connection in a key. A longer ID is omitted, because Airflow allows 512 characters."""


@dataclass(frozen=True, slots=True)
class _BegunSend:
    """A send that a try of the task began.

    :ivar clear_generation: The clear generation in which it began.
    :ivar send_id: Its ID.
    :ivar conn_id: The ID of its connection; empty if unknown.
    """

    clear_generation: int
    send_id: str
    conn_id: str

    @property
    def value(self) -> dict[str, Any]:
        """The value of its XComs."""
        known = {"inforu_conn_id": self.conn_id} if self.conn_id else {}
        return {"send_id": self.send_id, "clear_generation": self.clear_generation, **known}

    @property
    def key(self) -> str:
        """The key of its own XCom. Only the key survives the start of a new try. It must fit into a URL."""
        # The ID of a connection contains no tilde.
        conn_id = quote(self.conn_id, safe="").replace("%", "~")
        key = f"{XCOM_KEY}.{self.clear_generation}.{self.send_id}"
        return f"{key}.{conn_id}" if 0 < len(conn_id) <= _MOST_OF_KEY else key


class SendEvidence:
    """The evidence of earlier tries of a task instance, outside the ledger.

    :param context: The task's context.
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._instance = context["ti"]
        self._ledger_path = read_ledger_path()
        self._state = context.get("task_state_store") if self._ledger_path else None
        task = context.get("task")
        self.clear_generation = read_clear_generation(self._instance)
        """A number that changes only when the task instance is cleared."""
        self.was_cleared = task is not None and self.clear_generation > (task.retries or 0)
        """Whether a person cleared the task. A clear raises ``max_tries`` above the task's ``retries``."""
        self.is_later_try = self._instance.try_number > 1
        stored = self._read_state()
        sends = _earlier_sends(self._instance)
        if isinstance(stored.get("clear_generation"), int):
            sends.append((stored["clear_generation"], str(stored.get("send_id"))))
        self.earlier_path: str | None = stored.get("path")
        """The ``ledger_path`` of the earlier try, if Airflow's task state contains it."""
        self.has_earlier_send = bool(sends or stored)
        """Whether an earlier try began a send."""
        last_life, send_id = max(sends, default=(None, None))
        self.send_id = send_id
        """The ID of the send that the last try began; None if unknown."""
        self._began_since_clear = last_life == self.clear_generation

    def allows_new_send(self, *, resend: bool) -> bool:
        """Return whether this try may call everybody again: once after each clear, if ``resend`` is set.

        :param resend: The argument ``resend``.
        """
        return resend and self.was_cleared and not self._began_since_clear

    @property
    def is_first_try(self) -> bool:
        """Whether no earlier try may have begun a send."""
        return not (self.is_later_try or self.was_cleared or self.has_earlier_send)

    @property
    def rules_out_earlier_send(self) -> bool:
        """Whether both the XComs and Airflow's task state contain no earlier send."""
        return self._state is not None and not self.has_earlier_send

    def register(self, send_id: str, clear_generation: int, conn_id: str) -> None:
        """Store the evidence of a send, before its first request.

        :param send_id: The ID of the send.
        :param clear_generation: The clear generation in which the send began.
        :param conn_id: The ID of its connection.
        """
        send = _BegunSend(clear_generation, send_id, conn_id)
        for key in (XCOM_KEY, send.key):
            self._instance.xcom_push(key=key, value=send.value)
        if self._state is not None:
            from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined] # missing in Airflow's own stub

            facts = {"path": self._ledger_path, "clear_generation": clear_generation, "send_id": send_id}
            self._state.set(STATE_KEY, json.dumps(facts), retention=NEVER_EXPIRE)

    def _read_state(self) -> dict[str, Any]:
        found = None if self._state is None else self._state.get(STATE_KEY)
        if found is None:
            return {}
        try:
            value = json.loads(str(found))
        except ValueError:
            value = None
        return value if isinstance(value, dict) and value else {"path": ""}


def read_ledger_path() -> str:
    """Return ``[inforu] ledger_path``; empty for Airflow's task state."""
    return str(conf.get("inforu", "ledger_path", fallback=""))


def keep_evidence(context: Mapping[str, Any]) -> None:
    """Push again the evidence that Airflow deleted when this try started, because this try may end early.

    :param context: The task's context.
    """
    instance: Any = context.get("ti")
    sends = _deleted_sends(instance)
    for send in sorted(sends, key=lambda one: (one.clear_generation, one.send_id)):
        for key in (send.key, XCOM_KEY):
            instance.xcom_push(key=key, value=send.value)


def read_clear_generation(instance: Any) -> int:  # noqa: ANN401 - a task instance of any Airflow
    """Return a number that changes only when the task instance is cleared.

    :param instance: The task instance.
    """
    return int(instance.max_tries or 0)


def _earlier_sends(instance: Any) -> list[tuple[int, str]]:  # noqa: ANN401 - a task instance
    """Return the sends that earlier tries began: the clear generation and the ID of each."""
    server = getattr(instance, "_ti_context_from_server", None)
    if not getattr(server, "next_method", None):
        return [(one.clear_generation, one.send_id) for one in _deleted_sends(instance)]
    # After a deferral Airflow keeps the XComs.
    match instance.xcom_pull(key=XCOM_KEY, map_indexes=instance.map_index):
        case {"clear_generation": int(clear_generation), "send_id": str(send_id)}:
            return [(clear_generation, send_id)]
    return []


def _deleted_sends(instance: Any) -> list[_BegunSend]:  # noqa: ANN401 - a task instance, or None
    """Return the sends whose evidence Airflow deleted when this try started."""
    server = getattr(instance, "_ti_context_from_server", None)
    found = []
    for key in getattr(server, "xcom_keys_to_clear", None) or ():
        name, clear_generation, send_id, conn_id = (*key.split(".", 3), "", "", "")[:4]
        if name == XCOM_KEY and clear_generation.isdecimal() and send_id:
            found.append(_BegunSend(int(clear_generation), send_id, unquote(conn_id.replace("~", "%"))))
    return found
