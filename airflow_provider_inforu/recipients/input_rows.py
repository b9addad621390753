"""What every source gives: rows, and in place of a row that cannot be read its place and the reason."""

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
    """Recipients or suppressed people cannot be read. The message shows no cell of a row.

    :param problem: What is wrong, as sentences.
    :param advice: What to do, as sentences. Empty where the problem says it.
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
    """A file or a query cannot be read, as a whole or from some place on. The message names the place."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """Stands in place of a row that cannot be read.

    :ivar source: Which file it is of, such as ``people.csv``.
    :ivar line: Where the row begins, from 1.
    :ivar reason: Why it cannot be read, without what is in it.
    :ivar unit: What `line` counts; ``row`` where a file has no lines.
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
    """Rows that are read as they are asked for, once.

    It tells the rows of our sources from a generator of anything else.

    :param name: What they are read from. It is all that the repr shows.
    :param rows: The rows. What they are read from is opened with the first one, and closed after the last.
    """

    def __init__(self, name: str, rows: Generator[Any, None, None]) -> None:
        self.name = name
        self._rows = rows
        self._is_begun = False

    def __iter__(self) -> Iterator[Any]:
        """Read the rows.

        :raises SourceError: The rows were read already, or the source cannot be read any further.
        """
        if self._is_begun:
            raise SourceError(
                f"The rows of {self.name} were read already, and they can be read only once.",
                "Open the source again, or make a list of its rows.",
            )
        self._is_begun = True
        return self._rows

    def close(self) -> None:
        """Close the source of the rows, also before its end."""
        self._rows.close()

    def __repr__(self) -> str:
        """Return where the rows are from."""
        return f"<rows of {self.name}>"


class AnyOf(tuple[str, ...]):
    """Names of columns of which one is enough."""

    __slots__ = ()


def check_header(source: str, header: Sequence[str]) -> None:
    """Check that every column has a name of its own.

    :param source: The file or the query, for the error.
    :param header: The names of its columns.
    :raises SourceError: There are no columns, a column has no name, or two columns have the same name.
    """
    if not header:
        raise SourceError(f"{source} has no columns.")
    for place, column in enumerate(header, start=1):
        if not column.strip():
            raise SourceError(f"{source}: column {place} has no name.", "Give it a name, or remove it.")
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        raise SourceError(
            f"{source} has more than one column {show_columns(twice)}.", "Give each column its own name."
        )


def check_columns(source: str, header: Sequence[str], wanted: Iterable[str], hint: str = "") -> None:
    """Check that the columns which a send needs are there: one error, not one for each row.

    :param source: The file or the query, for the error.
    :param header: The names of its columns.
    :param wanted: The required names; of `AnyOf` one is enough.
    :param hint: Another possible cause, as a sentence.
    :raises SourceError: A column is missing. The message lists the existing columns, unless one looks like a
        phone.
    """
    missing = [column for column in dict.fromkeys(wanted) if column not in header]
    if not missing or (isinstance(wanted, AnyOf) and len(missing) < len(set(wanted))):
        return
    if any(hide_phones(column) != column for column in header):
        there = "The first row contains what may be a phone number, but it must hold the column names."
    else:
        there = f"The columns are {show_columns(header)}."
    lacking = show_columns(missing, " or " if isinstance(wanted, AnyOf) else ", ")
    raise SourceError(f"{source} has no column {lacking}. {there}", hint)


def show_columns(columns: Iterable[object], separator: str = ", ") -> str:
    """Return names of columns for a message, the first twenty of them, with phones hidden.

    :param columns: The names.
    :param separator: What stands between them.
    """
    names = [repr(hide_phones(str(column)[:_LONGEST_COLUMN_SHOWN])) for column in columns]
    more = len(names) - _COLUMNS_SHOWN
    shown = separator.join(names[:_COLUMNS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
