"""The report of a send: a row for each recipient, in a file that people and tasks can read."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.sending.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_inforu.operators.outcomes import Outcomes
    from airflow_provider_inforu.operators.sent import Sent

COLUMNS = (
    "key",
    "state",
    "outcome",
    "seconds",
    "digit",
    "ended_at",
    "campaign_id",
    "request_token",
    "reason",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
STATES = {
    BatchState.ACCEPTED: "accepted",
    BatchState.REJECTED: "rejected",
    BatchState.SUBMITTING: "in_doubt",
}


class ReportError(InforuError):
    """The report of a send cannot be written."""


def write_report(path: str, sent: Sent, outcomes: Outcomes) -> None:
    """Write the report, and replace one that is there.

    :param path: Any URL that fsspec knows, or a path, ending in ``.csv``, ``.ndjson`` or ``.jsonl``.
    :param sent: The send.
    :param outcomes: What is known of calls that have ended.
    :raises ReportError: It cannot be written.
    """
    from airflow.sdk import ObjectStoragePath

    try:
        target: Any = ObjectStoragePath(path)
        if target.protocol in ("", "file"):
            target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as file:
            _write(file, _rows(sent, outcomes), as_table=path.endswith(".csv"))
    except Exception as error:  # object storages raise whatever they like
        raise ReportError(
            f"{path!r} cannot be written ({type(error).__name__}: {error}). A retry does it and calls nobody"
        ) from error


def _write(file: TextIO, rows: Iterator[dict[str, Any]], *, as_table: bool) -> None:
    if as_table:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows({name: _as_cell(value) for name, value in row.items()} for row in rows)
    else:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _as_cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: keys and outcomes are words of others."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _rows(sent: Sent, outcomes: Outcomes) -> Iterator[dict[str, Any]]:
    empty = dict.fromkeys(COLUMNS)
    for batch in sent.batches:
        record = sent.ledger.records.get(batch.number)
        known: dict[str, Any] = {"state": "not_sent"}
        if record is not None:
            known = {
                "state": STATES[record.state],
                "campaign_id": record.campaign_id,
                "request_token": record.request_token,
                "reason": record.reason,
            }
        keys = batch.keys
        ended = outcomes.of(keys)
        for key in keys:
            yield {**empty, "key": key, **known, **ended.get(key, {})}
    for row in sent.skipped:
        yield {**empty, "key": row.key, "state": "skipped", "reason": row.reason}
