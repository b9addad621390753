"""Removes phones, secrets and control characters from text for logs, errors and XCom."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Seven digits or more, with up to three separators of any kind between them, and any letters around them.
_PHONE_LIKE = re.compile(r"\+?\(?\d(?:(?:[^\w]|_){0,3}\d){6,}")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?972[\d\s-]{8,}|0\d[\d\s-]{7,})")
_PASSWORD = re.compile(r"(://[^\s/:]*:)\S*@")
_SCHEMES_WITH_PORT = ("hdfs", "webhdfs", "sftp", "ssh", "ftp", "http", "https", "smb")
_SHORTEST_SECRET = 5
_INVISIBLE_BUT_COMMON = "\u00a0\u202f\u200c\u200d\u200e\u200f"
"""No-break spaces, joiners and the direction marks of ordinary Hebrew text."""

_GAP = r"[\W_]{0,3}"
_LETTER = r"[^\W\d_]"
_MOBILE = rf"[57](?:{_GAP}\d){{8}}"
_LANDLINE = rf"[234689](?:{_GAP}\d){{7}}"
_ABROAD = rf"(?:00{_GAP})?9{_GAP}7{_GAP}2{_GAP}(?:0{_GAP})?"
# In 2026-03-1234567, the zero begins a month.
_ZERO = rf"(?:(?<!(?:19|20)\d\d[\W_])|(?!0\d[\W_]\d{{7}}))0{_GAP}"
_PHONE_IN_KEY = re.compile(
    rf"(?<!\d)(?:{_ABROAD}(?:{_MOBILE}|{_LANDLINE})|{_ZERO}{_MOBILE}|(?<!{_LETTER}){_ZERO}{_LANDLINE})(?!\d)"
)
_SHORTEST_PHONE_IN_KEY = 9
"""The length of a landline number with its zero."""
_HEX_ID = re.compile(r"(?=(?:[^a-f]*[a-f]){3})[\da-f-]{16,}", re.ASCII | re.IGNORECASE)
"""A hash or a UUID. Both often contain nine digits in a row."""


def is_phone_like(key: str) -> bool:
    """Return whether a key may contain an Israeli phone number.

    The forms are ``0…``, ``972…`` and ``+972…``, with or without separators, between any other characters.
    A number without the zero is an ordinary key. So is a number of a landline's length after a letter
    (``id031234567``), because ID numbers may begin with a zero. Sending refuses keys that look like a phone,
    so no call of this provider has such a key.
    """
    if len(key) < _SHORTEST_PHONE_IN_KEY:
        return False
    if not key.isascii():
        key = "".join(str(int(one)) if one.isdecimal() else one for one in key)
    return _PHONE_IN_KEY.search(key) is not None and _HEX_ID.fullmatch(key) is None


def may_be_mistyped_phone(text: str) -> bool:
    """Return whether the whole text is written like an Israeli phone number, of any length.

    For such texts, this finds more than `is_phone_like`.
    """
    return _PHONE.fullmatch(text) is not None


def hide_phones(text: str) -> str:
    """Replace every number that may be a phone with ``[phone hidden]``.

    The vendor's descriptions may repeat a phone from the request. This may also hide a reference number.
    """
    return _PHONE_LIKE.sub("[phone hidden]", text)


def hide_phones_in_path(path: str) -> str:
    """Replace every number written like an Israeli phone. Dates, which are common in file names, stay.

    :param path: A path, a URL, or a text that contains one.
    """
    return _PHONE.sub("[phone hidden]", path)


def has_password(url: str) -> bool:
    """Return whether a URL contains a password, as in ``s3://user:password@bucket``.

    :param url: A URL, several URLs with ``::`` between them, or a path. A path may contain both characters.
    """
    return any(_has_password(one) for one in url.split("::"))


def _has_password(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    server = rest.partition("/")[0]
    if "@" in server:
        return ":" in server.rpartition("@")[0]
    # A password may contain a slash, and a port may come before a path with an at sign.
    _, colon, port = server.partition(":")
    is_port = port.isdecimal() and scheme in _SCHEMES_WITH_PORT
    return bool(colon) and not is_port and "@" in rest


def hide_passwords(text: str) -> str:
    """Return a text with ``***`` for each password in a URL.

    :param text: Any text, such as the error of a storage.
    """
    return _PASSWORD.sub(r"\1***@", text)


def printable(text: str) -> str:
    r"""Return the text with visible characters only, for a log, an error or XCom.

    Lone surrogates, control characters, line ends, escape sequences and characters that change the text
    direction become visible escapes such as ``\x1b``. Letters of any language stay.
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
    """Replace secrets with ``***``, then hide phones, then escape invisible characters.

    Like Airflow's masking, this ignores secrets of fewer than five characters, which are too common in text.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    # `printable` comes last, because the letters of an escape between two digits would hide a phone.
    return printable(hide_phones(text))
