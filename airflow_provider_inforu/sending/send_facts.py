"""Stores facts of a send next to the ledger. With them, a later try or a resumed task does not need the rows.

The values are in the ledger's store. The keys of recipients are split into several values, because a value of
Airflow's task state has at most 64 KB. The document is written last, and lists the keys of these values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.ledger_errors import LedgerError
from airflow_provider_inforu.ledger.ledger_keys import PREFIX
from airflow_provider_inforu.recipients.batches import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.ledger.ledger_log import LedgerStore
    from airflow_provider_inforu.ledger.ledger_reader import ReadableStore

VERSION = 1
FACTS_KEY = f"{PREFIX}.facts"
MAX_PART_BYTES = 32 * 1024
MAX_PARTS = 50
"""Enough for the keys of about 100,000 recipients. The log and the report always list all keys."""


class FactsError(InforuError):
    """The stored facts are incomplete or damaged, or a newer version wrote them. The message is a clause."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts with which a task completes a send without its rows.

    :ivar send_id: ID of the send.
    :ivar deadline: End of the wait for the calls, in seconds since 1970. None: the task does not wait.
    :ivar report: Path of the written report. None: no report was written.
    :ivar report_digest: Digest of the report's keys and receipts. It identifies the report.
    :ivar keys: The keys of the recipients in doubt and of the rejected recipients, by batch number.
    :ivar already_sent: Whether an earlier try had sent all batches.
    """

    send_id: str
    deadline: float | None = None
    report: str | None = None
    report_digest: str | None = None
    keys: Mapping[int, Sequence[str]] = field(default_factory=dict)
    already_sent: bool = False


def save_facts(store: LedgerStore, facts: Facts) -> None:
    """Store the facts of a send. They replace the stored facts.

    :param store: The ledger's store. This attempt must have the latest fencing token.
    :param facts: The facts. Batches whose keys do not fit into `MAX_PARTS` values are left out.
    :raises Exception: The store failed.
    """
    all_parts = list(_split(facts.keys))
    # A batch is stored with all its keys, or not at all.
    cut = {number for part in all_parts[MAX_PARTS:] for number, *_ in part}
    parts = []
    for whole in all_parts[:MAX_PARTS]:
        part = [batch for batch in whole if batch[0] not in cut]
        key = f"{FACTS_KEY}.{digest(part)}"
        if store.get(key) is None:
            store.set(key, part)
        parts.append(key)
    store.set(
        FACTS_KEY,
        {
            "version": VERSION,
            "send_id": facts.send_id,
            "deadline": facts.deadline,
            "report": facts.report,
            "report_digest": facts.report_digest,
            "parts": parts,
            "already_sent": facts.already_sent,
        },
    )


def load_facts(store: ReadableStore, send_id: str) -> Facts | None:
    """Return the stored facts of a send; None if the store has no facts of this send.

    :param store: The ledger's store.
    :param send_id: ID of the send.
    :raises FactsError: The facts are incomplete or damaged, or a newer version wrote them.
    """
    match _get(store, FACTS_KEY):
        case None:
            return None
        case {"version": int(version)} if version > VERSION:
            raise FactsError(f"a newer version of airflow-provider-inforu wrote the value {FACTS_KEY}")
        case {"send_id": str(stored), "parts": list(parts)} as document:
            if stored != send_id:
                return None
            return Facts(
                send_id=send_id,
                deadline=_typed(document, "deadline", (int, float)),
                report=_typed(document, "report", str),
                report_digest=_typed(document, "report_digest", str),
                keys=_join(store, parts),
                already_sent=document.get("already_sent") is True,
            )
    raise FactsError(f"the value {FACTS_KEY} is damaged")


def _split(keys: Mapping[int, Sequence[str]]) -> Iterator[list[list[Any]]]:
    """Yield values of limited size. Each is a list of lists: a batch's number, then keys of this batch."""
    part: list[list[Any]] = []
    size = 0
    for number, names in keys.items():
        open_batch: list[Any] | None = None
        for name in names:
            # A store may encode the JSON text once more as JSON.
            cost = len(json.dumps(json.dumps(name)))
            if part and size + cost > MAX_PART_BYTES:
                yield part
                part, size, open_batch = [], 0, None
            if open_batch is None:
                open_batch = [number]
                part.append(open_batch)
            open_batch.append(name)
            size += cost
    if part:
        yield part


def _join(store: ReadableStore, parts: list[Any]) -> dict[int, list[str]]:
    keys: dict[int, list[str]] = {}
    for key in parts:
        part = _get(store, str(key))
        if not isinstance(part, list) or f"{FACTS_KEY}.{digest(part)}" != key:
            raise FactsError(f"the value {key} is missing or damaged")
        for number, *names in part:
            keys.setdefault(number, []).extend(names)
    return keys


def _get(store: ReadableStore, key: str) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return store.get(key)
    except LedgerError as error:
        raise FactsError(f"the value {key} is damaged ({error})") from None


def _typed(document: Mapping[str, Any], name: str, kind: Any) -> Any:  # noqa: ANN401 - a type, and its value
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise FactsError(f"the field {name!r} of the value {FACTS_KEY} is invalid")
    return value
