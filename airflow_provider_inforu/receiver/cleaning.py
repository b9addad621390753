"""Cleans text from outside for a database, a log and a terminal."""

from __future__ import annotations

from airflow_provider_inforu.capi.redact import hide_phones, printable


def clean(text: str | None, length: int) -> str | None:
    """Return text that every database accepts: shortened, without lone surrogates and NUL.

    :param text: The original text, or None.
    :param length: The maximum number of characters.
    """
    if text is None:
        return None
    whole = text[:length].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")[:length]


def clean_for_readers(text: str | None, length: int) -> str | None:
    """Return text that readers may see: cleaned, printable, with phones hidden.

    :param text: The original text, or None.
    :param length: The maximum number of characters.
    """
    cleaned = clean(text, length)
    return cleaned and printable(hide_phones(cleaned))[:length]
