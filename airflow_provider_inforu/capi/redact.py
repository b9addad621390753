"""Makes texts of others fit for logs, errors and XCom: no phones, no secrets, no control characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Seven digits or more, with up to three separators of any kind between them, whatever letters stand around.
_PHONE_LIKE = re.compile(r"\+?\(?\d(?:(?:[^\w]|_){0,3}\d){6,}")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?972[\d\s-]{8,}|0\d[\d\s-]{7,})")
_SHORTEST_SECRET = 5
_INVISIBLE_BUT_COMMON = "\u00a0\u202f\u200c\u200d\u200e\u200f"
"""No-break spaces, joiners and the direction marks of ordinary Hebrew text."""

_GAP = r"[\W_]{0,3}"
_LETTER = r"[^\W\d_]"
_MOBILE = rf"[57](?:{_GAP}\d){{8}}"
_LANDLINE = rf"[234689](?:{_GAP}\d){{7}}"
_ABROAD = rf"(?:00{_GAP})?9{_GAP}7{_GAP}2{_GAP}(?:0{_GAP})?"
# In 2026-03-1234567 the zero begins a month.
_ZERO = rf"(?:(?<!(?:19|20)\d\d[\W_])|(?!0\d[\W_]\d{{7}}))0{_GAP}"
_PHONE_IN_KEY = re.compile(
    rf"(?<!\d)(?:{_ABROAD}(?:{_MOBILE}|{_LANDLINE})|{_ZERO}{_MOBILE}|(?<!{_LETTER}){_ZERO}{_LANDLINE})(?!\d)"
)
_SHORTEST_PHONE_IN_KEY = 9
"""A landline with its zero."""
_HEX_ID = re.compile(r"(?=(?:[^a-f]*[a-f]){3})[\da-f-]{16,}", re.ASCII | re.IGNORECASE)
"""A hash or a UUID. Nine digits in a row are common in it."""


def is_phone_like(key: str) -> bool:
    """Return whether a key contains what may be an Israeli phone number.

    It is found in the forms ``0…``, ``972…`` and ``+972…``, with or without separators, between any other
    characters. A number without the zero is an ordinary key. Letters before a number as long as a landline
    (``id031234567``) make it an ordinary key, too: ID numbers may begin with a zero. Sending refuses keys
    that are like a phone, so no call of ours has one.
    """
    if len(key) < _SHORTEST_PHONE_IN_KEY:
        return False
    if not key.isascii():
        key = "".join(str(int(one)) if one.isdecimal() else one for one in key)
    return _PHONE_IN_KEY.search(key) is not None and _HEX_ID.fullmatch(key) is None


def may_be_mistyped_phone(text: str) -> bool:
    """Return whether a text is written like an Israeli phone number, of any length.

    Wider than `is_phone_like` for a text that is a number and nothing else.
    """
    return _PHONE.fullmatch(text) is not None


def hide_phones(text: str) -> str:
    """Replace what could be a phone number by ``[phone hidden]``.

    The vendor's descriptions may repeat a number that we sent. Better a reference number hidden than a
    person's phone shown.
    """
    return _PHONE_LIKE.sub("[phone hidden]", text)


def hide_phones_in_path(path: str) -> str:
    """Replace what is written like a phone number of Israel. Names of files have dates in them, which stay.

    :param path: A path or a URL, or words about one.
    """
    return _PHONE.sub("[phone hidden]", path)


def printable(text: str) -> str:
    r"""Return text whose every character can be shown and stored, for a log, an error or XCom.

    Lone surrogates, control characters, line ends, escape sequences and characters that turn the direction
    of what follows become visible escapes such as ``\x1b``. Letters of any language stay.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _INVISIBLE_BUT_COMMON
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the given secrets by ``***``, then what could be a phone number, then what cannot be shown.

    Like Airflow's own masking, it passes over a secret of fewer than five characters, which would shred
    the text.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    # Last: the letters of an escape between two digits would keep a phone from being recognised.
    return printable(hide_phones(text))
