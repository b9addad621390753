"""Hides phone numbers and secrets in texts that we did not write, before they reach a log or an error."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Seven digits or more, with up to three separators of any kind between them, whatever letters stand around.
_PHONE_LIKE = re.compile(r"\+?\(?\d(?:(?:[^\w]|_){0,3}\d){6,}")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?972[\d\s-]{8,}|0\d[\d\s-]{7,})")
_SHORTEST_SECRET = 5


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


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the given secrets by ``***``, then what could be a phone number.

    Like Airflow's own masking, it passes over a secret of fewer than five characters, which would shred
    the text.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return hide_phones(text)
