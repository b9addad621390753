"""Stores pushed items that do not report the end of a voice call, in bounded time and memory."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.receiver.cleaning import clean
from airflow_provider_inforu.receiver.masking import hide_phones_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from airflow_provider_inforu.receiver.receiver_settings import StorePhones

log = logging.getLogger(__name__)

LONGEST_PAYLOAD = 65_536
"""The maximum number of stored characters of one unrecognized payload."""
MOST_UNREADABLE = 100
"""The maximum number of distinct parts of one push that are not objects and are stored separately."""
MOST_CHARACTERS = 2_097_152
"""The maximum number of characters of one push stored as single payloads, about 7,000 delivery reports."""

_MARGIN = 128
"""The characters after the cut that may belong to a phone before it."""
_MOST_FAILURES = 3
_REASON_LENGTH = 64

Row = dict[str, Any]


class UnrecognizedPayloads:
    """The distinct unrecognized payloads of one push.

    If a limit is exceeded, one more payload with the whole body replaces the remaining payloads.

    :param conn_id: The ID of the connection.
    :param body: The unchanged body of the push.
    :param digest_of: Returns the digest of a payload, which identifies repeats.
    :param store_phones: The part of a phone to store: ``masked``, ``full`` or ``none``.
    :param now: When the push arrived.
    """

    def __init__(
        self,
        conn_id: str,
        body: bytes,
        digest_of: Callable[[Any], str],
        store_phones: StorePhones,
        now: dt.datetime,
    ) -> None:
        self._conn_id = conn_id
        self._body = body
        self._digest_of = digest_of
        self._store_phones = store_phones
        self._now = now
        self._rows: dict[str, Row] = {}
        self._characters = 0
        self._unreadable = 0
        self._failures: list[type[Exception]] = []
        self._has_more = False

    def rows(self) -> list[Row]:
        """Return the payloads. The last one is the whole body if some payloads are not stored separately."""
        reason = self._reason_for_whole_body()
        if reason:
            self._keep(self._body.decode("utf-8", errors="replace"), reason)
        return list(self._rows.values())

    def add(self, item: Any, reason: str) -> None:  # noqa: ANN401 - a JSON value
        """Add an object that does not report the end of a voice call.

        :param item: The object.
        :param reason: The reason why it is unrecognized.
        """
        if self._characters > MOST_CHARACTERS or len(self._failures) >= _MOST_FAILURES:
            self._has_more = True
            return
        try:
            self._keep(item, reason)
        except Exception as error:  # one bad item must not lose the others
            self.fail(error)

    def add_unreadable(self, part: Any) -> None:  # noqa: ANN401 - a JSON value
        """Add a part of the push that is not an object.

        :param part: A JSON value, or text that is not JSON.
        """
        if self._unreadable >= MOST_UNREADABLE:
            self._has_more = True
            return
        before = len(self._rows)
        self.add(part, "not readable")
        self._unreadable += len(self._rows) - before

    def fail(self, error: Exception) -> None:
        """Mark the whole body for storage, because a part of it is unreadable.

        :param error: The error. Its text may contain personal data, so only its type is kept.
        """
        self._failures.append(type(error))  # the traceback of the error would keep many frames in memory

    def _reason_for_whole_body(self) -> str | None:
        if not self._failures:
            return "too much in one push" if self._has_more else None
        if all(issubclass(error, RecursionError) for error in self._failures):
            return "nested too deeply"
        kind = next(error for error in self._failures if not issubclass(error, RecursionError)).__name__
        log.error(
            "A part of a push to the connection %r is unreadable (%s). The whole body is stored in the table "
            "inforu_unrecognized",
            self._conn_id,
            kind,
        )
        return f"not readable: {kind}"[:_REASON_LENGTH]

    def _keep(self, content: Any, reason: str) -> None:  # noqa: ANN401 - a JSON value
        digest = self._digest_of(content)
        if digest in self._rows:
            return
        text = _as_text(content)
        self._characters += min(len(text), LONGEST_PAYLOAD)
        self._rows[digest] = {
            "conn_id": self._conn_id,
            "digest": digest,
            "received_at": self._now,
            "reason": reason,
            "content": self._shorten(content, text),
        }

    def _shorten(self, content: Any, text: str) -> str:  # noqa: ANN401 - a JSON value
        more = len(text) - LONGEST_PAYLOAD
        if more > 0:
            # Cut first, because the search for phones is slow.
            kept = _cut(text) if self._store_phones == "full" else hide_phones_in(_cut(text))
            return f"{clean(kept, LONGEST_PAYLOAD)} … and {more} characters more"
        if self._store_phones != "full":
            text = _as_text(hide_phones_in(content))
        return clean(text, LONGEST_PAYLOAD) or ""


def _cut(text: str) -> str:
    """Return the beginning of a text, without a partial phone at its end."""
    end = min(len(text), LONGEST_PAYLOAD + _MARGIN)
    while end > LONGEST_PAYLOAD and not text[end - 1].isalpha():
        end -= 1
    return text[:end]


def _as_text(content: Any) -> str:  # noqa: ANN401 - a JSON value
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
