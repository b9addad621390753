"""How the calls of a send ended, by key, on disk until the report of everybody is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.recipients.temporary import TemporaryDatabase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.outcomes.summary import CallResult

_CACHE_MEGABYTES = 8
_TABLES = "CREATE TABLE outcomes (key TEXT PRIMARY KEY, outcome TEXT) WITHOUT ROWID"
# SQLite limits how many values a statement may have; a batch has no more than this.
_KEYS_IN_A_READ = 100


class Outcomes:
    """The outcomes of calls, as the report shows them. Of two results of a key the later one counts.

    :param results: Of the send's calls, in any order.
    :raises TemporaryStoreError: They cannot be kept.
    """

    def __init__(self, results: Iterable[CallResult] = ()) -> None:
        self._database = TemporaryDatabase(_TABLES, cache_megabytes=_CACHE_MEGABYTES)
        for result in results:
            self._database.write(
                "REPLACE INTO outcomes VALUES (?, ?)", (_stored(result.key), _stored(_outcome(result)))
            )

    def of(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the outcomes of those keys whose calls have ended.

        :param keys: Of people of the send.
        :raises TemporaryStoreError: They cannot be read.
        """
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(keys), _KEYS_IN_A_READ):
            part = tuple(map(_stored, keys[start : start + _KEYS_IN_A_READ]))
            places = ", ".join("?" * len(part))
            rows = self._database.read(f"SELECT key, outcome FROM outcomes WHERE key IN ({places})", part)  # noqa: S608 - it is question marks only
            found.update((json.loads(key), json.loads(outcome)) for key, outcome in rows)
        return found


def _stored(value: object) -> str:
    """Return what SQLite takes whatever the receiver said: JSON's own escapes leave nothing but ASCII."""
    return json.dumps(value)


def _outcome(result: CallResult) -> dict[str, Any]:
    return {
        "outcome": result.status,
        "seconds": result.seconds,
        "digit": result.digit,
        "ended_at": result.ended_at and result.ended_at.isoformat(),
    }
