"""Write the report of a send, a file with one row for each recipient, and read it back."""

from __future__ import annotations

import csv
import json
import tempfile
from contextlib import AbstractContextManager, closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.local_files import local_path, make_folders, open_atomically
from airflow_provider_inforu.outcomes.spreadsheet_cells import from_cell, to_cell

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.recipients.batches import Batch
    from airflow_provider_inforu.recipients.recipient_store import Skipped
    from airflow_provider_inforu.sending.outcome_store import Outcomes

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
STATES = {
    BatchState.ACCEPTED: "accepted",
    BatchState.REJECTED: "rejected",
    BatchState.SUBMITTING: "in_doubt",
}
ROWS_IN_A_READ = 100

Row = dict[str, Any]


class ReportError(InforuError):
    """The report of a send cannot be written or read back."""


class ReportLostError(ReportError):
    """The report cannot be rebuilt from the stored facts. It needs the rows of the send."""


class _Digest:
    """A digest of a report's keys and receipts. It identifies the report, and outcomes do not change it."""

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, row: Mapping[str, Any]) -> None:
        self._hash.update(json.dumps([str(row["key"]), row["request_token"] or ""]).encode())

    def text(self) -> str:
        return self._hash.hexdigest()[:16]


def rows_of_send(
    batches: Iterable[Batch], skipped: Iterable[Skipped], records: Mapping[int, BatchRecord]
) -> Iterator[Row]:
    """Yield the rows of a report without outcomes.

    :param batches: All batches of the send.
    :param skipped: The skipped rows.
    :param records: The ledger's record of each batch.
    """
    empty = dict.fromkeys(COLUMNS)
    for batch in batches:
        known = _known(records.get(batch.number))
        for key in batch.keys:
            yield {**empty, "key": key, **known}
    for row in skipped:
        yield {**empty, "key": row.key, "state": "skipped", "reason": row.reason}


def rows_of_stored(
    path: str,
    digest: str,
    keys: Mapping[int, Sequence[str]],
    records: Mapping[int, BatchRecord],
) -> Iterator[Row]:
    """Yield the rows of an earlier report, with the current state of each batch.

    The rows are read from a local copy, so that the new report can be written to the same path.

    :param path: The path of the earlier report.
    :param digest: The digest that `write_report` returned for it.
    :param keys: The keys of the batches whose state may have changed since.
    :param records: The ledger's current record of each batch.
    :raises ReportLostError: The report cannot be read back, or its digest differs.
    """
    known = {key: _known(records.get(number)) for number, names in keys.items() for key in names}
    with closing(_read_back(path, digest)) as rows:
        for row in rows:
            is_skipped = row["state"] == "skipped"
            yield row if is_skipped else {**row, **known.get(row["key"], {})}


def with_outcomes(rows: Iterable[Row], outcomes: Outcomes) -> Iterator[Row]:
    """Yield rows of a report with the outcomes of the ended calls.

    :param rows: Rows without outcomes.
    :param outcomes: The outcomes of the ended calls.
    """
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == ROWS_IN_A_READ:
            yield from _join(block, outcomes)
            block = []
    yield from _join(block, outcomes)


def write_report(path: str, rows: Iterable[Row]) -> str:
    """Write the report, replace an existing one, and return its digest.

    :param path: A path or a URL that fsspec supports, ending in ``.csv``, ``.ndjson`` or ``.jsonl``.
    :param rows: The rows of the report.
    :raises ReportError: The report cannot be written.
    """
    from airflow.sdk import ObjectStoragePath

    digest = _Digest()
    try:
        target: Any = ObjectStoragePath(path)
        with _open_report(target) as file:
            _write(file, rows, digest, as_table=path.endswith(".csv"))
    except ReportError:
        raise
    except Exception as error:  # object storages raise errors of any type
        raise ReportError(f"{path!r} cannot be written ({type(error).__name__}: {error})") from error
    return digest.text()


def _open_report(target: Any) -> AbstractContextManager[TextIO]:  # noqa: ANN401 - an object-storage path
    """Open the report for writing. A local write is atomic: if the task is killed, the old report stays."""
    if path := local_path(target):
        make_folders(path.parent)
        return open_atomically(path)
    opened: AbstractContextManager[TextIO] = target.open("w", encoding="utf-8", newline="")
    return opened


def _write(file: TextIO, rows: Iterable[Row], digest: _Digest, *, as_table: bool) -> None:
    table = csv.DictWriter(file, COLUMNS)
    if as_table:
        table.writeheader()
    for row in rows:
        digest.add(row)
        if as_table:
            table.writerow({name: to_cell(value) for name, value in row.items()})
        else:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _read_back(path: str, digest: str) -> Generator[Row]:
    from airflow.sdk import ObjectStoragePath

    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as copy:
        try:
            source: Any = ObjectStoragePath(path)
            with source.open("r", encoding="utf-8", newline="") as file:
                while text := file.read(1 << 20):
                    copy.write(text)
            found = _Digest()
            for row in _parse(copy, path):
                found.add(row)
        except Exception as error:  # object storages raise errors of any type
            raise ReportLostError(f"{path!r} cannot be read back ({type(error).__name__})") from error
        if found.text() != digest:
            raise ReportLostError(f"{path!r} cannot be read back: it is no longer the report of this send")
        yield from _parse(copy, path)


def _parse(copy: Any, path: str) -> Iterator[Row]:  # noqa: ANN401 - a text file
    copy.seek(0)
    if path.endswith(".csv"):
        for row in csv.DictReader(copy):
            yield {name: from_cell(row[name]) or None for name in COLUMNS}
    else:
        for line in copy:
            row = json.loads(line)
            yield {name: row[name] for name in COLUMNS}


def _known(record: BatchRecord | None) -> Row:
    if record is None:
        return {"state": "not_sent"}
    return {
        "state": STATES[record.state],
        "campaign_id": record.campaign_id,
        "request_token": record.request_token,
        "reason": record.reason,
    }


def _join(block: Sequence[Row], outcomes: Outcomes) -> Iterator[Row]:
    ended = outcomes.of([row["key"] for row in block if row["state"] != "skipped"])
    for row in block:
        yield row if row["state"] == "skipped" else {**row, **ended.get(row["key"], {})}
