"""The newest segment that was surely written. Without it, a lost segment looks as if it was never written.

It is stored after the first write of a segment, and before the requests of this write leave. If a try is
killed between the two writes, its ledger does not look damaged. An old copy of the value may arrive late. It
names an earlier segment, so a loss of later ones is not noticed.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.ledger.ledger_errors import DamagedValueError
from airflow_provider_inforu.ledger.ledger_keys import NEWEST_SEGMENT_KEY

if TYPE_CHECKING:
    from collections.abc import Callable


_ATTEMPT_NAME = re.compile(r"[0-9]+(-[0-9a-f]+)?")


@dataclass(frozen=True, slots=True)
class NewestSegment:
    """A segment that exists, unless it is lost.

    :ivar attempt: Name of its attempt.
    :ivar number: Its number in the log of this attempt, from 0.
    """

    attempt: str
    number: int


def store_newest_segment(put: Callable[[str, Any], None], newest: NewestSegment) -> None:
    """Store which segment is the newest.

    :param put: Writes a value of the ledger's store.
    :param newest: The segment. It is written already.
    """
    put(NEWEST_SEGMENT_KEY, asdict(newest))


def read_newest_segment(get: Callable[[str], Any]) -> NewestSegment | None:
    """Return the newest segment that was surely written; None if no segment was, or if this is unknown.

    :param get: Reads a value of the ledger's store.
    """
    try:
        value = get(NEWEST_SEGMENT_KEY)
    except DamagedValueError:
        return None
    match value:
        case {"attempt": str(attempt), "number": int(number)} if _ATTEMPT_NAME.fullmatch(attempt):
            return NewestSegment(attempt, number)
    return None
