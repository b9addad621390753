"""Reads the rows of a CSV file. Its first row contains the column names."""

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
    """Yield the rows. Cells are text. An empty cell becomes None, which means a missing field.

    :param lines: The lines of the file, with their ends.
    :param name: Name of the file, for errors.
    :param delimiter: The character between two cells.
    :param columns: The required column names.
    :raises SourceError: The column names are invalid. Or a quote is not closed, so the start of the next row
        is unknown.
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
            yield BadRow(name, first, "the row contains a NUL character")
        else:
            yield dict(zip(header, [cell or None for cell in cells], strict=True))


def _records(
    lines: Iterable[str], name: str, delimiter: str
) -> Iterator[tuple[int, int, list[str] | BadRow]]:
    """Yield the records that are not empty, each with the numbers of its first and last line."""
    # Without strict, all rows after a wrong quote would become one cell.
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
            f"{name} line {first}: a quote opens here, and is not closed correctly up to line {last}, so the "
            "rows are ambiguous.",
            "Close the quote. Inside quotes, write a quote twice.",
        )
    return BadRow(name, first, "the row has a quote that is not closed, or text after the closing quote")


def _header(
    table: Iterator[tuple[int, int, list[str] | BadRow]], name: str, delimiter: str, columns: Sequence[str]
) -> list[str]:
    found = next(table, None)
    if found is None:
        raise SourceError(f"{name} is empty.", "Write the column names in the first row.")
    first, _, header = found
    if isinstance(header, BadRow):
        raise SourceError(
            f"{name} line {first} with the column names is invalid: {header.reason}.", "Correct it."
        )
    header[0] = header[0].removeprefix(_BYTE_ORDER_MARK)
    check_columns(name, header, columns, _hint(header, delimiter))
    check_header(name, header)
    return header


def _hint(header: Sequence[str], delimiter: str) -> str:
    """Return advice if the only column name contains another delimiter; otherwise an empty text."""
    if len(header) > 1:
        return ""
    used = next((other for other in _NAMES_OF_DELIMITERS if other != delimiter and other in header[0]), None)
    if used is None:
        return ""
    advice = "name it .tsv" if used == "\t" else f"save it with {_NAMES_OF_DELIMITERS[delimiter]}"
    return f"The cells look separated by {_NAMES_OF_DELIMITERS[used]}: {advice}."


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
