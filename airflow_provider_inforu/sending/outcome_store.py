"""Keep the outcomes of a send's calls on disk, by key, until the report is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.outcomes.outcome_json import outcome_to_json
from airflow_provider_inforu.recipients.temporary import TemporaryDatabase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.outcomes.summary import CallResult

_CACHE_MEGABYTES = 8
_TABLES = "CREATE TABLE outcomes (key TEXT PRIMARY KEY, outcome TEXT) WITHOUT ROWID"
# SQLite limits the values of a statement. A batch has at most this many keys.
_KEYS_IN_A_READ = 100
_COLUMNS = ("seconds", "digit", "ended_at")
"""The columns of the report with the values of the receiver. The ledger knows the campaign of a batch."""


class Outcomes:
    """The outcomes of calls, in the format of the report. A later result of a key replaces an earlier one.

    :param results: The results of the send's calls.
    :raises TemporaryStoreError: The temporary database cannot be written.
    """

    def __init__(self, results: Iterable[CallResult] = ()) -> None:
        self._database = TemporaryDatabase(_TABLES, cache_megabytes=_CACHE_MEGABYTES)
        for result in results:
            self._database.write(
                "REPLACE INTO outcomes VALUES (?, ?)", (_stored(result.key), _stored(_outcome(result)))
            )

    def of(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the outcome of each key whose call has ended.

        :param keys: Keys of recipients of the send.
        :raises TemporaryStoreError: The temporary database cannot be read.
        """
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(keys), _KEYS_IN_A_READ):
            part = tuple(map(_stored, keys[start : start + _KEYS_IN_A_READ]))
            places = ", ".join("?" * len(part))
            rows = self._database.read(f"SELECT key, outcome FROM outcomes WHERE key IN ({places})", part)  # noqa: S608 - it is question marks only
            found.update((json.loads(key), json.loads(outcome)) for key, outcome in rows)
        return found


def _stored(value: object) -> str:
    """Return a value as ASCII JSON, because SQLite refuses some text that a receiver may return."""
    return json.dumps(value)


def _outcome(result: CallResult) -> dict[str, Any]:
    fields = outcome_to_json(result)
    return {"outcome": fields["status"], **{name: fields[name] for name in _COLUMNS}}
