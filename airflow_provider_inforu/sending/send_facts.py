"""What a task stores next to the ledger, so that a later try or a resumed task never needs the input.

The values are in the ledger's store. Keys of recipients are split over several values, each smaller than the
64 KB that Airflow's state store takes. The document is written last and names the values that belong to it.
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
"""The keys of about 100,000 recipients. The log and the report name all, whatever their number."""


class FactsError(InforuError):
    """What an earlier try stored is missing, damaged, or was written by a newer version."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is needed to finish a send without its input.

    :ivar send_id: The send.
    :ivar deadline: When waiting for the calls ends, in seconds since 1970; None where nothing waits.
    :ivar report: The path of the report that was written, if any.
    :ivar report_digest: Of the report's keys and receipts, to recognise it.
    :ivar keys: The keys of recipients in doubt or rejected, by batch.
    :ivar already_sent: Whether an earlier try had sent everything.
    """

    send_id: str
    deadline: float | None = None
    report: str | None = None
    report_digest: str | None = None
    keys: Mapping[int, Sequence[str]] = field(default_factory=dict)
    already_sent: bool = False


def save_facts(store: LedgerStore, facts: Facts) -> None:
    """Store facts, in place of those stored before.

    :param store: Of the ledger, which this attempt may write.
    :param facts: What to store. Keys beyond `MAX_PARTS` values are left out.
    :raises Exception: The store failed.
    """
    all_parts = list(_split(facts.keys))
    # A batch is stored with all its keys or not at all.
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
    """Return the facts that were stored for a send, or None where there are none for it.

    :param store: Of the ledger.
    :param send_id: The send.
    :raises FactsError: They are damaged, incomplete, or written by a newer version.
    """
    match _get(store, FACTS_KEY):
        case None:
            return None
        case {"version": int(version)} if version > VERSION:
            raise FactsError("the stored facts were written by a newer version of airflow-provider-inforu")
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
    raise FactsError("the stored facts are damaged")


def _split(keys: Mapping[int, Sequence[str]]) -> Iterator[list[list[Any]]]:
    """Yield values of limited size, each a list of a batch's number followed by keys of it."""
    part: list[list[Any]] = []
    size = 0
    for number, names in keys.items():
        open_batch: list[Any] | None = None
        for name in names:
            # A store may write the value as JSON inside of JSON.
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
            raise FactsError("a part of the stored facts is missing or damaged")
        for number, *names in part:
            keys.setdefault(number, []).extend(names)
    return keys


def _get(store: ReadableStore, key: str) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return store.get(key)
    except LedgerError as error:
        raise FactsError(f"the stored facts are damaged ({error})") from None


def _typed(document: Mapping[str, Any], name: str, kind: Any) -> Any:  # noqa: ANN401 - a type, and its value
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise FactsError(f"the stored facts are damaged: {name}")
    return value
