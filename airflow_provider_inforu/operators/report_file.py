"""The report of a send: a row for each recipient, in a file that people and tasks can read."""

from __future__ import annotations

import csv
import json
import secrets
import tempfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.sending.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_inforu.operators.outcomes import Outcomes
    from airflow_provider_inforu.sending.batch_state import BatchRecord
    from airflow_provider_inforu.sending.plan import Batch
    from airflow_provider_inforu.sending.spool import Skipped

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
LOCAL_PROTOCOLS = ("", "file", "local")
ROWS_IN_A_READ = 100

Row = dict[str, Any]


class ReportError(InforuError):
    """The report of a send cannot be written, or not be read back."""


class ReportLostError(ReportError):
    """The report cannot be made from what is stored. Only the rows of the send could tell it."""


class _Digest:
    """Tells one send's report from another's: of all keys and receipts, which no outcome changes."""

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
    :param skipped: The rows that were left out.
    :param records: What the ledger says of each batch.
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
    """Yield the rows of a report that was written before, as far as they still hold.

    The rows are read from a local copy, so that the report can be written to the same path.

    :param path: Where it was written.
    :param digest: What `write_report` returned for it.
    :param keys: The keys of those batches whose state may have changed since.
    :param records: What the ledger says of each batch now.
    :raises ReportLostError: It cannot be read back, or is not the report that was written.
    """
    known = {key: _known(records.get(number)) for number, names in keys.items() for key in names}
    with closing(_read_back(path, digest)) as rows:
        for row in rows:
            is_skipped = row["state"] == "skipped"
            yield row if is_skipped else {**row, **known.get(row["key"], {})}


def with_outcomes(rows: Iterable[Row], outcomes: Outcomes) -> Iterator[Row]:
    """Yield rows with the outcomes of those calls that have ended.

    :param rows: Of a report.
    :param outcomes: What is known of calls that have ended.
    """
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == ROWS_IN_A_READ:
            yield from _join(block, outcomes)
            block = []
    yield from _join(block, outcomes)


def write_report(path: str, rows: Iterable[Row]) -> str:
    """Write the report, in place of one that is there; return what recognises it later.

    :param path: Any URL that fsspec knows, or a path, ending in ``.csv``, ``.ndjson`` or ``.jsonl``.
    :param rows: Its rows.
    :raises ReportError: It cannot be written.
    """
    from airflow.sdk import ObjectStoragePath

    digest = _Digest()
    try:
        target: Any = ObjectStoragePath(path)
        if target.protocol in LOCAL_PROTOCOLS:
            _write_locally(Path(target.path), rows, digest)
        else:
            with target.open("w", encoding="utf-8", newline="") as file:
                _write(file, rows, digest, as_table=path.endswith(".csv"))
    except ReportError:
        raise
    except Exception as error:  # object storages raise whatever they like
        raise ReportError(f"{path!r} cannot be written ({type(error).__name__}: {error})") from error
    return digest.text()


def _write_locally(path: Path, rows: Iterable[Row], digest: _Digest) -> None:
    """Write a file that appears whole or not at all: a task that is killed here leaves the earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            _write(file, rows, digest, as_table=path.suffix == ".csv")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write(file: TextIO, rows: Iterable[Row], digest: _Digest, *, as_table: bool) -> None:
    table = csv.DictWriter(file, COLUMNS)
    if as_table:
        table.writeheader()
    for row in rows:
        digest.add(row)
        if as_table:
            table.writerow(row)
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
        except Exception as error:  # object storages raise whatever they like
            raise ReportLostError(f"{path!r} cannot be read back ({type(error).__name__})") from error
        if found.text() != digest:
            raise ReportLostError(f"{path!r} cannot be read back: it is not the report of this send any more")
        yield from _parse(copy, path)


def _parse(copy: Any, path: str) -> Iterator[Row]:  # noqa: ANN401 - a text file
    copy.seek(0)
    if path.endswith(".csv"):
        for row in csv.DictReader(copy):
            yield {name: row[name] or None for name in COLUMNS}
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
