"""Reads the rows of a file. Its name shows its format."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal, TypeGuard, get_args

from airflow_provider_inforu.capi.redact import hide_phones_in_path
from airflow_provider_inforu.recipients.csv_file import csv_rows
from airflow_provider_inforu.recipients.input_rows import Row, SourceError, StreamedRows
from airflow_provider_inforu.recipients.lines import check_encoding, read_lines
from airflow_provider_inforu.recipients.ndjson_file import ndjson_rows
from airflow_provider_inforu.recipients.opening import open_source
from airflow_provider_inforu.recipients.parquet_file import parquet_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

FileFormat = Literal["csv", "tsv", "ndjson", "parquet"]

_FORMAT_OF_ENDING: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}
_PACKED = ".gz"
FILE_NAMES = f"{', '.join(_FORMAT_OF_ENDING)}, all but the last also with {_PACKED}"
"""The supported file extensions, for messages."""
_FOREIGN_ENDING = re.compile(r"\.(?:xlsx?|xlsm|ods|json|txt|xml|avro|orc|zip)(?:\.gz)?\Z", re.IGNORECASE)
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def rows_of_file(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    file_format: FileFormat | None = None,
    columns: Iterable[str] = (),
) -> StreamedRows:
    """Return the rows of a CSV, NDJSON or Parquet file. They are streamed, so they can be read only once.

    Reading the first row opens the file. An unreadable row arrives as a `BadRow`, and the next rows follow.
    The first row of CSV contains the column names. Cells of CSV are text. After the last row, the file's size
    and date are checked again: a file that changed while it was read is an error.

    :param path: A path, or a URL that Airflow's ``ObjectStoragePath`` can open. Its extension is ``.csv``,
        ``.tsv``, ``.ndjson`` or ``.jsonl``, with or without ``.gz``, or ``.parquet``. Parquet needs the extra
        ``parquet``.
    :param encoding: The encoding of a text file, such as ``cp1255``. None (default): UTF-8, with or without a
        byte order mark.
    :param file_format: The format of the file: ``csv``, ``tsv``, ``ndjson`` or ``parquet``. None (default):
        the extension shows it.
    :param columns: The required column names of CSV and Parquet. With `AnyOf`, one of them is enough. NDJSON
        is not checked, because its objects may have different fields.
    :raises SourceError: At once: the format or the encoding is unknown. While reading: the file cannot be
        opened or read, or a column is missing, has no name or has the name of another column.
    """
    name = hide_phones_in_path(str(path).rstrip("/").rsplit("/", 1)[-1])
    unpack = name.lower().endswith(_PACKED)
    kind = _format(name, file_format)
    if kind == "parquet":
        if encoding is not None:
            raise SourceError(f"`encoding` is set, but {name} is a Parquet file.", "Remove `encoding`.")
        if unpack:
            raise SourceError(
                f"{name} is a Parquet file packed with gzip, which cannot be read.", "Unpack it with gunzip."
            )
        return StreamedRows(name, _rows_of_parquet(path, name, _kept(columns)))
    rows = _rows_of_text(path, name, kind, check_encoding(encoding), _kept(columns), unpack=unpack)
    return StreamedRows(name, rows)


def _kept(columns: Iterable[str]) -> tuple[str, ...]:
    return columns if isinstance(columns, tuple) else tuple(columns)


def is_file_name(value: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether a value is a path, or text with a supported file extension.

    :param value: Any value.
    """
    # Airflow's ObjectStoragePath is not an os.PathLike.
    if isinstance(value, os.PathLike) or hasattr(value, "joinpath"):
        return True
    return isinstance(value, str) and value.lower().removesuffix(_PACKED).endswith(tuple(_FORMAT_OF_ENDING))


def read_foreign_ending(text: str) -> str | None:
    """Return an unsupported file extension at the end of a text, such as ``.xlsx``; None for other texts.

    :param text: Any text.
    """
    found = _FOREIGN_ENDING.search(text.rstrip())
    return found and found[0].lower()


def _format(name: str, file_format: FileFormat | None) -> FileFormat:
    if file_format is not None:
        if file_format not in get_args(FileFormat):
            known = ", ".join(get_args(FileFormat))
            raise SourceError(f"{name}: `file_format` must be one of {known}, not {file_format!r}.")
        return file_format
    ending = os.path.splitext(name.lower().removesuffix(_PACKED))[1]  # noqa: PTH122 - it may be a URL
    if ending not in _FORMAT_OF_ENDING:
        raise SourceError(
            f"{name}: the extension does not show a supported format.",
            f"Save the file as one of: {FILE_NAMES}. Or set `file_format`.",
        )
    return _FORMAT_OF_ENDING[ending]


def _rows_of_parquet(
    path: str | os.PathLike[str], name: str, columns: Sequence[str]
) -> Generator[Row, None, None]:
    with open_source(path, unpack=False) as file:
        yield from parquet_rows(file, name, columns)


def _rows_of_text(
    path: str | os.PathLike[str],
    name: str,
    kind: FileFormat,
    encoding: str,
    columns: Sequence[str],
    *,
    unpack: bool,
) -> Generator[Row, None, None]:
    with open_source(path, unpack=unpack) as file:
        if kind == "ndjson":
            yield from ndjson_rows(read_lines(file, name, encoding, newline="\n"), name)
        else:
            lines = read_lines(file, name, encoding, newline="")
            yield from csv_rows(lines, name, _DELIMITERS[kind], columns)
