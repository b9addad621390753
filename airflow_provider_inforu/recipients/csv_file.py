"""Rows of a CSV file, whose first row names the columns."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from airflow_provider_inforu.recipients.input_rows import (
    BadRow,
    Row,
    SourceError,
    check_columns,
    check_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NUL = "\0"
_BYTE_ORDER_MARK = "\ufeff"
_NAMES_OF_DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons"}


def csv_rows(lines: Iterable[str], name: str, delimiter: str, columns: Sequence[str]) -> Iterator[Row]:
    """Read the rows. Cells are text. An empty cell becomes None, which means a missing field.

    :param lines: The file's lines.
    :param name: The file's name, for errors.
    :param delimiter: What is between the cells.
    :param columns: The names of columns that must be there.
    :raises SourceError: The names of the columns are invalid, or a quote is not closed, so it is unknown
        where the next row begins.
    """
    table = _records(lines, name, delimiter)
    header = _header(table, name, delimiter, columns)
    for first, last, cells in table:
        if isinstance(cells, BadRow):
            yield cells
        elif len(cells) != len(header):
            if len(cells) == 1 and not cells[0].strip():
                continue  # a line of spaces
            until = f", up to line {last}" if last > first else ""
            yield BadRow(name, first, f"the row has {_fields(len(cells))} instead of {len(header)}{until}")
        elif _NUL in "".join(cells):
            yield BadRow(name, first, "the row has a NUL character in it")
        else:
            yield dict(zip(header, [cell or None for cell in cells], strict=True))


def _records(
    lines: Iterable[str], name: str, delimiter: str
) -> Iterator[tuple[int, int, list[str] | BadRow]]:
    """Read records that are not empty, each with its first and its last line."""
    # Not strict, it would take what follows a stray quote for one cell, people and all.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = reader.line_num + 1
        cells: list[str] | BadRow
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells = _unreadable(name, first, reader.line_num, error)
        if cells:
            yield first, reader.line_num, cells


def _unreadable(name: str, first: int, last: int, error: csv.Error) -> BadRow:
    if "field larger than" in str(error):
        raise SourceError(
            f"{name} line {first}: a cell has more than {csv.field_size_limit():,} characters.",
            "Look for a quote that is not closed.",
        )
    if last > first:
        raise SourceError(
            f"{name} line {first}: a quote opens there and is not closed correctly up to line {last}, so the "
            "rows are ambiguous.",
            "Close the quote. Inside quotes, write a quote twice.",
        )
    return BadRow(name, first, "the row has a quote that is not closed, or text after the closing quote")


def _header(
    table: Iterator[tuple[int, int, list[str] | BadRow]], name: str, delimiter: str, columns: Sequence[str]
) -> list[str]:
    found = next(table, None)
    if found is None:
        raise SourceError(f"{name} is empty.", "Write the names of the columns in the first row.")
    first, _, header = found
    if isinstance(header, BadRow):
        raise SourceError(f"{name} line {first}, which names the columns: {header.reason}.")
    header[0] = header[0].removeprefix(_BYTE_ORDER_MARK)
    check_columns(name, header, columns, _hint(header, delimiter))
    check_header(name, header)
    return header


def _hint(header: Sequence[str], delimiter: str) -> str:
    """Return why a file with one column may have more."""
    if len(header) > 1:
        return ""
    used = next((other for other in _NAMES_OF_DELIMITERS if other != delimiter and other in header[0]), None)
    if used is None:
        return ""
    advice = "name it .tsv" if used == "\t" else f"save it with {_NAMES_OF_DELIMITERS[delimiter]}"
    return f"It looks separated by {_NAMES_OF_DELIMITERS[used]}: {advice}."


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
