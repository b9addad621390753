"""Stores the recipients of a send in a temporary database, so that many recipients need little memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from airflow_provider_inforu.capi.voice import MAX_CALLS
from airflow_provider_inforu.recipients.fingerprints import make_fingerprint, write_rows
from airflow_provider_inforu.recipients.temporary import TemporaryDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_inforu.recipients.fingerprints import Fingerprint

T = TypeVar("T")

ROWS_IN_A_BLOCK = MAX_CALLS
"""A block has the size of a batch, and is one row in SQLite. SQLite lets other threads run at each row."""
ROWS_IN_A_READ = 1000
# The prefixes distinguish keys from phones.
_KEY = "k{}"
_PHONE = "p{}"
_CACHE_MEGABYTES = 32
_VALUES = attrgetter("key", "phone", "text")
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
    """A recipient of a send. Its repr shows only the key.

    :ivar key: Name of the recipient within the send.
    :ivar phone: The phone in local form, such as ``0500000012``.
    :ivar text: The text to read out. None: a campaign plays its recording.
    """

    key: str
    phone: str = field(repr=False)
    text: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A skipped row.

    :ivar key: The row's key. If the key is missing, invalid or used by an earlier row: ``row N``. If the row
        cannot be read: its place, such as ``people.csv line 17``.
    :ivar reason: Why the row is skipped, without the phone.
    :ivar is_key: Whether ``key`` is the row's key. Default: True.
    """

    key: str
    reason: str
    is_key: bool = True


class _Blocks(Generic[T]):
    """Rows of one kind, in the order of `append`. Full blocks are on disk, the last block is in memory.

    :param database: The database of the full blocks.
    :param kind: Name of the kind in the database.
    :param values: Returns the values of a row to store.
    :param make: Makes a row from these values.
    :param has_fingerprints: Whether the rows are recipients. Their fingerprints then stay in memory.
    """

    def __init__(
        self,
        database: TemporaryDatabase,
        kind: str,
        values: Callable[[T], tuple[Any, ...]],
        make: Callable[..., T],
        *,
        has_fingerprints: bool = False,
    ) -> None:
        self._database = database
        self._kind = kind
        self._values = values
        self._make = make
        self._full = 0
        self._last: list[Sequence[Any]] = []
        self._has_fingerprints = has_fingerprints
        self._fingerprints: list[Fingerprint] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._full * ROWS_IN_A_BLOCK + len(self._last)

    def append(self, row: T) -> None:
        """Add a row."""
        if len(self._last) + 1 < ROWS_IN_A_BLOCK:
            self._last.append(self._values(row))
            return
        rows = [*self._last, self._values(row)]
        text = write_rows(rows)
        self._database.write("INSERT INTO blocks VALUES (?, ?, ?)", (self._kind, self._full, text))
        if self._has_fingerprints:
            self._fingerprints.append(make_fingerprint(rows, text))
        self._full, self._last = self._full + 1, []

    def read(self, start: int, stop: int) -> list[T]:
        """Return the rows from index ``start`` to before index ``stop``."""
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

    def find_fingerprint(self, start: int, stop: int) -> Fingerprint | None:
        """Return the fingerprint of the rows from ``start`` to before ``stop``, if they are a full block."""
        number, before = divmod(start, ROWS_IN_A_BLOCK)
        is_block = not before and stop - start == ROWS_IN_A_BLOCK
        return self._fingerprints[number] if is_block else None


class RecipientStore:
    """Stores the recipients and the skipped rows of a send, and its keys, phones and suppression list.

    :ivar recipients: The recipients, in the order in which they were added.
    :ivar skipped: The skipped rows, in the order in which they were added.
    """

    def __init__(self) -> None:
        self._database = TemporaryDatabase(_TABLES, cache_megabytes=_CACHE_MEGABYTES)
        self._has_suppressed = False
        self.recipients = Rows(
            _Blocks(self._database, "recipients", _VALUES, Recipient, has_fingerprints=True)
        )
        self.skipped = Rows(
            _Blocks(self._database, "skipped", attrgetter("key", "reason", "is_key"), Skipped)
        )

    def register_key(self, key: str) -> bool:
        """Store a key, and return whether it is new."""
        return self._database.write("INSERT OR IGNORE INTO keys VALUES (?)", (key,))

    def register_phone(self, phone: str) -> bool:
        """Store a phone, and return whether it is new."""
        return self._database.write("INSERT OR IGNORE INTO phones VALUES (?)", (phone,))

    def suppress(self, entry: int, keys: Iterable[str], phones: Iterable[str], shown: str | None) -> None:
        """Store an entry of the suppression list.

        :param entry: Number of the entry, from 1.
        :param keys: The keys in the entry.
        :param phones: The phones in the entry.
        :param shown: The key that messages may show. None: messages show the number of the entry.
        """
        self._has_suppressed = True
        self._database.write("INSERT INTO entries VALUES (?, ?)", (entry, shown))
        for name in (*map(_KEY.format, keys), *map(_PHONE.format, phones)):
            self._database.write("INSERT OR IGNORE INTO suppressed VALUES (?, ?)", (name, entry))

    def match_suppressed(self, key: str, phone: str) -> bool:
        """Return whether an entry suppresses a recipient. Mark all matching entries as matched."""
        if not self._has_suppressed:
            return False
        names = (_KEY.format(key), _PHONE.format(phone))
        entries = self._database.read("SELECT entry FROM suppressed WHERE name IN (?, ?)", names)
        for entry in entries:
            self._database.write("INSERT OR IGNORE INTO matched VALUES (?)", entry)
        return bool(entries)

    def count_unmatched(self) -> int:
        """Return the number of entries of the suppression list that matched no row."""
        ((count,),) = self._database.read(
            "SELECT count(*) FROM entries WHERE entry NOT IN (SELECT entry FROM matched)", ()
        )
        return int(count)

    def read_unmatched(self, most: int) -> list[tuple[int, str | None]]:
        """Return the first entries that matched no row: their numbers, and the keys that may be shown.

        :param most: The most entries to return.
        """
        found = self._database.read(
            "SELECT entry, key FROM entries WHERE entry NOT IN (SELECT entry FROM matched)"
            " ORDER BY entry LIMIT ?",
            (most,),
        )
        return [(entry, key) for entry, key in found]


class Rows(Sequence[T], Generic[T]):
    """Rows of a recipient store, as a sequence. A slice is a view: it reads rows only when they are used.

    :param blocks: The stored rows.
    :param indexes: The indexes of the rows. None (default): all rows, also rows that are added later.
    """

    def __init__(self, blocks: _Blocks[T], indexes: range | None = None) -> None:
        self._blocks = blocks
        self._slice = indexes

    @property
    def _indexes(self) -> range:
        return range(len(self._blocks)) if self._slice is None else self._slice

    def append(self, row: T) -> None:
        """Add a row."""
        self._blocks.append(row)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._indexes)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Rows[T]: ...

    def __getitem__(self, index: int | slice) -> T | Rows[T]:
        """Return a row, or a view of a slice with step 1."""
        found = self._indexes[index]
        if isinstance(found, range):
            if found.step != 1:
                raise ValueError(f"the step of a slice of stored rows must be 1, not {found.step}")
            return Rows(self._blocks, found)
        (row,) = self._blocks.read(found, found + 1)
        return row

    def __iter__(self) -> Iterator[T]:
        """Yield the rows. They are read in groups of `ROWS_IN_A_READ`."""
        indexes = self._indexes
        for start in range(indexes.start, indexes.stop, ROWS_IN_A_READ):
            yield from self._blocks.read(start, min(start + ROWS_IN_A_READ, indexes.stop))

    def find_fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint that was stored with the rows; None if the rows are not one full block."""
        return self._blocks.find_fingerprint(self._indexes.start, self._indexes.stop)


def read_fingerprint(recipients: Sequence[Recipient]) -> Fingerprint:
    """Return the fingerprint of recipients. Recipients are read only if it was not stored with them."""
    if isinstance(recipients, Rows) and (stored := recipients.find_fingerprint()):
        return stored
    rows = [_VALUES(recipient) for recipient in recipients]
    return make_fingerprint(rows, write_rows(rows))
