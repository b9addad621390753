"""The people of a send in a temporary database, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from airflow_provider_inforu.sending.temporary import TemporaryDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ROWS_IN_A_READ = 1000
# A key is never taken for a phone.
_KEY = "k{}"
_PHONE = "p{}"
_CACHE_MEGABYTES = 32
_TABLES = """
CREATE TABLE keys (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE phones (phone TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE suppressed (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE recipients (place INTEGER PRIMARY KEY, key TEXT, phone TEXT, text TEXT);
CREATE TABLE skipped (place INTEGER PRIMARY KEY, key TEXT, reason TEXT);
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to call. Its repr shows the key only.

    :ivar key: Names the person within the send.
    :ivar phone: In local form.
    :ivar text: What is read out; None where a campaign speaks.
    """

    key: str
    phone: str = field(repr=False)
    text: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is not called, and why.

    :ivar key: The row's key, or ``row N`` where it has none, or its place, such as ``people.csv line 17``,
        where it cannot be read.
    :ivar reason: Why, without the phone.
    """

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Table(Generic[T]):
    """How rows of a table are written and read."""

    insert: str
    select: str
    values: Callable[[T], tuple[Any, ...]]
    make: Callable[..., T]


_RECIPIENTS = _Table(
    "INSERT INTO recipients VALUES (NULL, ?, ?, ?)",
    "SELECT key, phone, text FROM recipients WHERE place > ? AND place <= ? ORDER BY place",
    attrgetter("key", "phone", "text"),
    Recipient,
)
_SKIPPED = _Table(
    "INSERT INTO skipped VALUES (NULL, ?, ?)",
    "SELECT key, reason FROM skipped WHERE place > ? AND place <= ? ORDER BY place",
    attrgetter("key", "reason"),
    Skipped,
)


class Spool:
    """Holds the rows of a send: those who are called, and those who are not.

    :ivar recipients: Who is called, in the order in which they were added.
    :ivar skipped: Who is not, in that order too.
    """

    def __init__(self) -> None:
        self._database = TemporaryDatabase(_TABLES, cache_megabytes=_CACHE_MEGABYTES)
        self._has_suppressed = False
        self.recipients = Rows(self._database, _RECIPIENTS)
        self.skipped = Rows(self._database, _SKIPPED)

    def is_new_key(self, key: str) -> bool:
        """Return whether a key did not come before, and remember it."""
        return self._database.write("INSERT OR IGNORE INTO keys VALUES (?)", (key,))

    def is_new_phone(self, phone: str) -> bool:
        """Return whether a phone did not come before, and remember it."""
        return self._database.write("INSERT OR IGNORE INTO phones VALUES (?)", (phone,))

    def suppress(self, keys: Iterable[str], phones: Iterable[str]) -> None:
        """Remember that nobody with one of these keys or phones is to be called."""
        self._has_suppressed = True
        for name in (*map(_KEY.format, keys), *map(_PHONE.format, phones)):
            self._database.write("INSERT OR IGNORE INTO suppressed VALUES (?)", (name,))

    def is_suppressed(self, key: str, phone: str) -> bool:
        """Return whether a person is not to be called."""
        if not self._has_suppressed:
            return False
        names = (_KEY.format(key), _PHONE.format(phone))
        return bool(self._database.read("SELECT 1 FROM suppressed WHERE name IN (?, ?)", names))


class Rows(Sequence[T], Generic[T]):
    """Rows of a spool. A slice is a view: it reads when it is looked at, and holds nothing.

    :param database: Where they are.
    :param table: Which.
    :param places: Which part of the table; None for all, also of what is added.
    """

    def __init__(self, database: TemporaryDatabase, table: _Table[T], places: range | None = None) -> None:
        self._database = database
        self._table = table
        self._places = range(0) if places is None else places

    def append(self, row: T) -> None:
        """Add a row to the table."""
        self._database.write(self._table.insert, self._table.values(row))
        self._places = range(self._places.stop + 1)

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Rows[T]: ...

    def __getitem__(self, index: int | slice) -> T | Rows[T]:
        """Return a row, or a view of rows that follow one another."""
        found = self._places[index]
        if isinstance(found, range):
            if found.step != 1:
                raise ValueError("a part of a spool's rows has no steps")
            return Rows(self._database, self._table, found)
        (row,) = self._read(found, found + 1)
        return row

    def __iter__(self) -> Iterator[T]:
        """Read them, some at a time."""
        for start in range(self._places.start, self._places.stop, ROWS_IN_A_READ):
            yield from self._read(start, min(start + ROWS_IN_A_READ, self._places.stop))

    def _read(self, start: int, stop: int) -> list[T]:
        return [self._table.make(*row) for row in self._database.read(self._table.select, (start, stop))]
