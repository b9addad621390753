"""Makes texts of others fit for logs, errors and XCom: no phones, no secrets, no control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Seven digits or more, with up to three separators of any kind between them, whatever letters stand around.
_PHONE_LIKE = re.compile(r"\+?\(?\d(?:(?:[^\w]|_){0,3}\d){6,}")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?972[\d\s-]{8,}|0\d[\d\s-]{7,})")
_SHORTEST_SECRET = 5
_INVISIBLE_BUT_COMMON = "\u00a0\u202f\u200c\u200d\u200e\u200f"
"""No-break spaces, joiners and the direction marks of ordinary Hebrew text."""


def is_phone_like(key: str) -> bool:
    """Return whether a key is written like a phone number of Israel.

    Narrower than what is hidden in texts: a customer's number of nine digits is a good key. Sending refuses
    such keys, so a call that has one is none of ours.
    """
    return _PHONE.fullmatch(key) is not None


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
