"""Makes text of others fit for a database, a log and a terminal."""

from __future__ import annotations

from airflow_provider_inforu.capi.redact import hide_phones, printable


def clean(text: str | None, length: int) -> str | None:
    """Return text that every database takes: cut, without half characters and NUL.

    :param text: As it came.
    :param length: The most characters.
    """
    if text is None:
        return None
    whole = text[:length].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")[:length]


def clean_for_readers(text: str | None, length: int) -> str | None:
    """Return text that readers may see: clean, printable, without what looks like a phone.

    :param text: As it came.
    :param length: The most characters.
    """
    cleaned = clean(text, length)
    return cleaned and printable(hide_phones(cleaned))[:length]
