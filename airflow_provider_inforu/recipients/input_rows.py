"""The rows of all sources. An unreadable row is replaced by its place and a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.redact import hide_phones

_COLUMNS_SHOWN = 20
_LONGEST_COLUMN_SHOWN = 60


class RecipientsError(InforuInputError):
    """Recipients or the suppression list cannot be read. The message contains no cell of a row.

    :param problem: What is wrong, as full sentences.
    :param advice: What to do, as full sentences. Empty (default): the problem makes it clear.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem, advice)

    @property
    def problem(self) -> str:
        """What is wrong."""
        return str(self.args[0])

    @property
    def advice(self) -> str:
        """What to do."""
        return str(self.args[1])

    def __str__(self) -> str:
        """Return the problem and the advice."""
        return f"{self.problem} {self.advice}".rstrip()


class SourceError(RecipientsError):
    """A file or a query cannot be read, or only up to some place. The message names the place."""


def check_exact(source: str, rounded: Iterable[str], columns: Iterable[str]) -> None:
    """Check that no required column has numbers of 32 bits: these round a phone to that of another person.

    :param source: Name of the file or the query.
    :param rounded: The names of the columns with such numbers.
    :param columns: The required column names.
    :raises SourceError: A required column has such numbers.
    """
    for name in sorted(set(rounded) & set(columns)):
        raise SourceError(
            f"{source}: the column {name!r} has floating-point numbers of at most 32 bits. They lose the "
            "last digits of a phone or a key.",
            "Write the column as text.",
        )


@dataclass(frozen=True, slots=True)
class BadRow:
    """Replaces a row that cannot be read.

    :ivar source: Name of its file, such as ``people.csv``.
    :ivar line: Number of the row's first line, from 1.
    :ivar reason: Why the row cannot be read, without its content.
    :ivar unit: The unit of `line`: ``line`` (default), or ``row`` for a file without lines.
    """

    source: str
    line: int
    reason: str
    unit: str = "line"

    @property
    def name(self) -> str:
        """The row's place, such as ``people.csv line 17``."""
        return f"{self.source} {self.unit} {self.line}"


Row: TypeAlias = Mapping[str, Any] | BadRow


class StreamedRows(Iterable[Any]):
    """Streamed rows of a file or a query. They can be read only once.

    The type distinguishes them from other generators.

    :param name: Name of the source. The repr shows only this name.
    :param rows: The rows. Reading the first row opens the source, and the end of the rows closes it.
    """

    def __init__(self, name: str, rows: Generator[Any, None, None]) -> None:
        self.name = name
        self._rows = rows
        self._is_begun = False

    def __iter__(self) -> Iterator[Any]:
        """Return an iterator of the rows.

        :raises SourceError: The rows were already read. While iterating: the source cannot be read further.
        """
        if self._is_begun:
            raise SourceError(
                f"The rows of {self.name} were already read, and they can be read only once.",
                "Open the source again, or make a list of its rows.",
            )
        self._is_begun = True
        return self._rows

    def close(self) -> None:
        """Close the source, also before its last row."""
        self._rows.close()

    def __repr__(self) -> str:
        """Return text with the name of the source, without rows."""
        return f"<rows of {self.name}>"


class AnyOf(tuple[str, ...]):
    """Column names, of which at least one is required."""

    __slots__ = ()


def check_header(source: str, header: Sequence[str]) -> None:
    """Check that every column has a unique name.

    :param source: Name of the file or the query, for the error.
    :param header: The column names.
    :raises SourceError: There are no columns, a column has no name, or two columns have the same name.
    """
    if not header:
        raise SourceError(f"{source} has no columns.", "Add the columns that the send needs.")
    for number, column in enumerate(header, start=1):
        if not column.strip():
            raise SourceError(f"{source}: column {number} has no name.", "Give it a name, or remove it.")
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        raise SourceError(
            f"{source} has more than one column {show_columns(twice)}.", "Give each column its own name."
        )


def check_columns(source: str, header: Sequence[str], wanted: Iterable[str], hint: str = "") -> None:
    """Check that all required columns exist. One error before the first row replaces an error for each row.

    :param source: Name of the file or the query, for the error.
    :param header: The column names.
    :param wanted: The required names. With `AnyOf`, one of them is enough.
    :param hint: Advice, as a sentence. Default: correct the name.
    :raises SourceError: A column is missing. The message lists the existing columns, unless a name looks like
        a phone.
    """
    missing = [column for column in dict.fromkeys(wanted) if column not in header]
    if not missing or (isinstance(wanted, AnyOf) and len(missing) < len(set(wanted))):
        return
    if any(hide_phones(column) != column for column in header):
        there = "The first row may contain a phone number, but it must contain the column names."
    else:
        there = f"The columns are {show_columns(header)}."
    lacking = show_columns(missing, " or " if isinstance(wanted, AnyOf) else ", ")
    advice = hint or "Correct the name of the column, or the argument with this name."
    raise SourceError(f"{source} has no column {lacking}. {there}", advice)


def show_columns(columns: Iterable[object], separator: str = ", ") -> str:
    """Return the first 20 column names for a message, with hidden phones.

    :param columns: The names.
    :param separator: The text between two names. Default: a comma and a space.
    """
    names = [repr(hide_phones(str(column)[:_LONGEST_COLUMN_SHOWN])) for column in columns]
    more = len(names) - _COLUMNS_SHOWN
    shown = separator.join(names[:_COLUMNS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
