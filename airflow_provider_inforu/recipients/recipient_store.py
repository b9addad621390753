"""The people of a send in a temporary database, so that memory does not grow with their number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from airflow_provider_inforu.recipients.temporary import TemporaryDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ROWS_IN_A_BLOCK = 100
"""A batch is one block, and a block one row of SQLite, which lets other threads go first at each."""
ROWS_IN_A_READ = 1000
# A key is never taken for a phone.
_KEY = "k{}"
_PHONE = "p{}"
_CACHE_MEGABYTES = 32
_TABLES = """
CREATE TABLE keys (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE phones (phone TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE suppressed (name TEXT, entry INTEGER, PRIMARY KEY (name, entry)) WITHOUT ROWID;
CREATE TABLE entries (entry INTEGER PRIMARY KEY, key TEXT);
CREATE TABLE matched (entry INTEGER PRIMARY KEY);
CREATE TABLE blocks (kind TEXT, number INTEGER, rows TEXT, PRIMARY KEY (kind, number));
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

    :ivar key: The row's key. ``row N`` where the key is missing, refused or used by an earlier row. A place
        such as ``people.csv line 17`` where the row cannot be read.
    :ivar reason: Why, without the phone.
    :ivar is_key: Whether ``key`` is the row's key.
    """

    key: str
    reason: str
    is_key: bool = True


class _Blocks(Generic[T]):
    """Rows of one kind, in the order in which they were added: full blocks on disk, the last in memory.

    :param database: Where the full ones are.
    :param kind: Tells them there from others.
    :param values: Returns what is kept of a row.
    :param make: Makes a row of that.
    """

    def __init__(
        self,
        database: TemporaryDatabase,
        kind: str,
        values: Callable[[T], tuple[Any, ...]],
        make: Callable[..., T],
    ) -> None:
        self._database = database
        self._kind = kind
        self._values = values
        self._make = make
        self._full = 0
        self._last: list[Sequence[Any]] = []

    def __len__(self) -> int:
        """Return how many rows they hold."""
        return self._full * ROWS_IN_A_BLOCK + len(self._last)

    def append(self, row: T) -> None:
        """Add a row."""
        if len(self._last) + 1 < ROWS_IN_A_BLOCK:
            self._last.append(self._values(row))
            return
        text = json.dumps([*self._last, self._values(row)], ensure_ascii=False)
        self._database.write("INSERT INTO blocks VALUES (?, ?, ?)", (self._kind, self._full, text))
        self._full, self._last = self._full + 1, []

    def read(self, start: int, stop: int) -> list[T]:
        """Return the rows of some places that follow one another."""
        first, last = start // ROWS_IN_A_BLOCK, (stop - 1) // ROWS_IN_A_BLOCK
        found = self._database.read(
            "SELECT rows FROM blocks WHERE kind = ? AND number BETWEEN ? AND ? ORDER BY number",
            (self._kind, first, last),
        )
        rows = [values for (text,) in found for values in json.loads(text)]
        if last == self._full:
            rows += self._last
        before = first * ROWS_IN_A_BLOCK
        return [self._make(*values) for values in rows[start - before : stop - before]]


class RecipientStore:
    """Holds the rows of a send: those who are called, and those who are not.

    :ivar recipients: Who is called, in the order in which they were added.
    :ivar skipped: Who is not, in that order too.
    """

    def __init__(self) -> None:
        self._database = TemporaryDatabase(_TABLES, cache_megabytes=_CACHE_MEGABYTES)
        self._has_suppressed = False
        self.recipients = Rows(
            _Blocks(self._database, "recipients", attrgetter("key", "phone", "text"), Recipient)
        )
        self.skipped = Rows(
            _Blocks(self._database, "skipped", attrgetter("key", "reason", "is_key"), Skipped)
        )

    def register_key(self, key: str) -> bool:
        """Return whether a key did not come before, and remember it."""
        return self._database.write("INSERT OR IGNORE INTO keys VALUES (?)", (key,))

    def is_new_phone(self, phone: str) -> bool:
        """Return whether a phone did not come before, and remember it."""
        return self._database.write("INSERT OR IGNORE INTO phones VALUES (?)", (phone,))

    def suppress(self, entry: int, keys: Iterable[str], phones: Iterable[str], shown: str | None) -> None:
        """Remember that nobody with one of these keys or phones is to be called.

        :param entry: The number of the entry, from 1.
        :param keys: The keys that it names.
        :param phones: The phones that it names.
        :param shown: The key by which messages may name the entry. None for its number.
        """
        self._has_suppressed = True
        self._database.write("INSERT INTO entries VALUES (?, ?)", (entry, shown))
        for name in (*map(_KEY.format, keys), *map(_PHONE.format, phones)):
            self._database.write("INSERT OR IGNORE INTO suppressed VALUES (?, ?)", (name, entry))

    def match_suppressed(self, key: str, phone: str) -> bool:
        """Return whether an entry suppresses a person, and remember that it matched."""
        if not self._has_suppressed:
            return False
        names = (_KEY.format(key), _PHONE.format(phone))
        entries = self._database.read("SELECT entry FROM suppressed WHERE name IN (?, ?)", names)
        for entry in entries:
            self._database.write("INSERT OR IGNORE INTO matched VALUES (?)", entry)
        return bool(entries)

    def count_unmatched(self) -> int:
        """Return how many entries suppressed nobody."""
        ((count,),) = self._database.read(
            "SELECT count(*) FROM entries WHERE entry NOT IN (SELECT entry FROM matched)", ()
        )
        return int(count)

    def read_unmatched(self, most: int) -> list[tuple[int, str | None]]:
        """Return the first entries that suppressed nobody: each one's number, and the key that may be shown.

        :param most: The most entries to return.
        """
        found = self._database.read(
            "SELECT entry, key FROM entries WHERE entry NOT IN (SELECT entry FROM matched)"
            " ORDER BY entry LIMIT ?",
            (most,),
        )
        return [(entry, key) for entry, key in found]


class Rows(Sequence[T], Generic[T]):
    """Rows of a recipient store. A slice is a view: it reads when it is looked at, and holds nothing.

    :param blocks: Where they are.
    :param places: Which part of them; None for all, also of what is added.
    """

    def __init__(self, blocks: _Blocks[T], places: range | None = None) -> None:
        self._blocks = blocks
        self._part = places

    @property
    def _places(self) -> range:
        return range(len(self._blocks)) if self._part is None else self._part

    def append(self, row: T) -> None:
        """Add a row."""
        self._blocks.append(row)

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
                raise ValueError("a part of stored rows has no steps")
            return Rows(self._blocks, found)
        (row,) = self._blocks.read(found, found + 1)
        return row

    def __iter__(self) -> Iterator[T]:
        """Read them, some at a time."""
        places = self._places
        for start in range(places.start, places.stop, ROWS_IN_A_READ):
            yield from self._blocks.read(start, min(start + ROWS_IN_A_READ, places.stop))
