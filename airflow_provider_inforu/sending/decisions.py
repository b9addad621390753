"""What a person decides about batches in doubt, beside the log of the attempts.

A decision names the attempt whose request it is about. So it settles that request or nothing: one that comes
late, after another attempt has sent the batch again, has no effect. Only who decides writes here, so no
attempt of the task is disturbed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_provider_inforu.sending.batch_state import DAMAGED, BatchRecord, BatchState, Event, LedgerError
from airflow_provider_inforu.sending.ledger_keys import decisions_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Choice = Literal["accept", "resend"]
Decision = list[Any]
"""The attempt's name, and the `Event` that its batch's record should see."""

DECISIONS_IN_A_VALUE = 400
"""So many stay well below the 64 KB that Airflow keeps in one value."""


class _Readable(Protocol):
    def get(self, key: str) -> Any: ...  # noqa: ANN401 - a JSON value


class DecisionStore(_Readable, Protocol):
    """Where decisions are kept: in the ledger's store."""

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Write a value, whoever may write the ledger."""


def read_decisions(store: _Readable, send_id: str) -> list[Decision]:
    """Return the decisions about a send, in the order in which they were made.

    :param store: Where the ledger is kept.
    :param send_id: The send.
    :raises LedgerError: They cannot be read.
    """
    decisions: list[Decision] = []
    number = 0
    while (value := store.get(decisions_key(send_id, number))) is not None:
        if not isinstance(value, dict) or not isinstance(value.get("decisions"), list):
            raise LedgerError(f"{DAMAGED}: the decisions about batches in doubt are damaged")
        decisions += value["decisions"]
        number += 1
    return decisions


def write_decisions(store: DecisionStore, send_id: str, decisions: Sequence[Decision]) -> None:
    """Write decisions down, after those that are there.

    :param store: Where the ledger is kept.
    :param send_id: The send.
    :param decisions: See `decide`.
    """
    number = 0
    while store.get(decisions_key(send_id, number)) is not None:
        number += 1
    for start in range(0, len(decisions), DECISIONS_IN_A_VALUE):
        part = list(decisions[start : start + DECISIONS_IN_A_VALUE])
        store.put(decisions_key(send_id, number), {"decisions": part})
        number += 1


def decide(record: BatchRecord, number: int, choice: Choice, campaign_id: int | None = None) -> Decision:
    """Return a decision.

    :param record: Of the batch, which is in doubt.
    :param number: The batch.
    :param choice: ``accept`` takes its people as called; ``resend`` lets the next try call them again.
    :param campaign_id: With ``accept``: the campaign to which they belong, where that is known.
    """
    event = [Event.ACCEPT, number, None, campaign_id] if choice == "accept" else [Event.WITHDRAW, number]
    return [record.attempt, event]


def applicable(decisions: Sequence[Decision], records: Mapping[int, BatchRecord]) -> list[Any]:
    """Return the events of those decisions whose request is still in doubt, the first one of each batch.

    :param decisions: As they were written.
    :param records: Of the batches, by number.
    :raises LedgerError: A decision is damaged.
    """
    events: dict[int, Any] = {}
    for decision in decisions:
        match decision:
            case [str(attempt), [str(), int(number), *_] as event]:
                record = records.get(number)
                in_doubt = record is not None and record.state is BatchState.SUBMITTING
                if record is not None and in_doubt and record.attempt == attempt:
                    events.setdefault(number, event)
            case _:
                raise LedgerError(f"{DAMAGED}: a decision about a batch in doubt is damaged")
    return list(events.values())
