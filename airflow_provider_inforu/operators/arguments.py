"""Arguments that a template may have turned into text."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.capi.redact import hide_phones

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT_SUFFIXES = (".csv", ".ndjson", ".jsonl")
MOST_IN_FLIGHT = 128
LONGEST_WAIT_SECONDS = 30 * 24 * 3600


def read_flag(name: str, value: object) -> bool:
    """Return an argument that is a bool, or a template's text of one.

    :param name: The argument, for the error.
    :param value: Its value.
    :raises InforuInputError: It is neither.
    """
    text = str(value).strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0", "none", ""):
        return False
    raise InforuInputError(f"{name} must be true or false, not {_show(value)}. {NO_NEW_CALLS}")


def read_given_flag(name: str, value: object) -> bool:
    """Return a flag that must not be left open, since the real thing would follow from nothing.

    :param name: The argument, for the error.
    :param value: Its value: a bool, or a template's text of one.
    :raises InforuInputError: It is neither.
    """
    if text_or_none(value) is None:
        raise InforuInputError(
            f"{name} rendered to an empty value. {NO_NEW_CALLS}. Is the upstream task skipped, or the param "
            "missing? Set it to true or false"
        )
    return read_flag(name, value)


def read_limit(value: object) -> int | None:
    """Return how many people a send is limited to, or None for no limit.

    :param value: The argument, or a template's text of it.
    :raises InforuInputError: It is no whole number above 0.
    """
    text = text_or_none(value)
    if text is None:
        return None
    if isinstance(value, bool) or not text.strip().isdecimal() or int(text) == 0:
        raise InforuInputError(f"limit must be a whole number from 1, not {_show(value)}. {NO_NEW_CALLS}")
    return int(text)


@contextlib.contextmanager
def no_retry_on_invalid_input() -> Iterator[None]:
    """Fail the task without a retry on an argument or a row that a retry would find as invalid as before.

    A source that cannot be read is left as it is: a retry may find it there.

    :raises AirflowFailException: In place of an InforuInputError.
    """
    from airflow_provider_inforu._compat import AirflowFailException
    from airflow_provider_inforu.recipients.input_rows import SourceError

    try:
        yield
    except SourceError:
        raise
    except InforuInputError as error:
        raise AirflowFailException(str(error)) from None


def text_or_none(value: object) -> str | None:
    """Return an argument as text. A template of nothing gives "None", which nobody should hear or read.

    :param value: Its value.
    """
    return None if value is None or str(value) in ("", "None") else str(value)


def check_field_names(**names: object) -> None:
    """Refuse names of fields that are not text.

    :param names: By the argument's name.
    :raises InforuInputError: Names the argument.
    """
    for name, value in names.items():
        if not isinstance(value, str):
            raise InforuInputError(
                f"{name} must be the name of a field, not {type(value).__name__}. {NO_NEW_CALLS}"
            )


def check_key_is_no_phone(phone_field: object, key_field: object) -> None:
    """Refuse a key that would show phones.

    :param phone_field: The argument.
    :param key_field: The argument.
    :raises InforuInputError: Both are one field.
    """
    if key_field is not None and key_field == phone_field:
        raise InforuInputError(
            f"key_field is the field of the phone, and keys are shown in logs. {NO_NEW_CALLS}. Name another "
            "field, or leave key_field out to use row numbers"
        )


def check_numbers(max_in_flight: object, poll_interval: object, calls_timeout: object) -> None:
    """Refuse numbers out of their range.

    :param max_in_flight: The argument.
    :param poll_interval: The argument.
    :param calls_timeout: The argument.
    :raises InforuInputError: Names what is wrong.
    """
    is_count = isinstance(max_in_flight, int) and not isinstance(max_in_flight, bool)
    if not (is_count and max_in_flight in range(1, MOST_IN_FLIGHT + 1)):
        raise InforuInputError(
            f"max_in_flight must be a whole number from 1 to {MOST_IN_FLIGHT}, not "
            f"{_show(max_in_flight)}. {NO_NEW_CALLS}"
        )
    for name, value in (("poll_interval", poll_interval), ("calls_timeout", calls_timeout)):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < float(str(value)) <= LONGEST_WAIT_SECONDS:
            raise InforuInputError(
                f"{name} must be a number of seconds above 0, at most {LONGEST_WAIT_SECONDS}, "
                f"not {_show(value)}. {NO_NEW_CALLS}"
            )


def check_choices(**choices: tuple[object, Any]) -> None:
    """Refuse an argument that is not one of its literals.

    :param choices: By the argument's name: its value and its ``Literal``.
    :raises InforuInputError: Names the argument and what it takes.
    """
    for name, (value, literal) in choices.items():
        known = get_args(literal)
        if value not in known:
            raise InforuInputError(
                f"{name} must be one of {', '.join(known)}, not {_show(value)}. {NO_NEW_CALLS}"
            )


def check_report_path(path: object) -> None:
    """Refuse a path whose ending does not say what to write.

    :param path: Any URL that fsspec knows, or a path; None for no report.
    :raises InforuInputError: It ends otherwise.
    """
    check_no_password(report_path=path)
    if path is not None and not str(path).endswith(REPORT_SUFFIXES):
        raise InforuInputError(
            f"report_path must end in one of {', '.join(REPORT_SUFFIXES)}, not {_show(str(path))}. "
            f"{NO_NEW_CALLS}"
        )


def check_no_password(**paths: object) -> None:
    """Refuse a URL that has a password in it, which errors and pages of Airflow would show.

    :param paths: By the argument's name; what is no path is not looked at.
    :raises InforuInputError: Names the argument.
    """
    for name, path in paths.items():
        url = str(path) if isinstance(path, str) or hasattr(path, "joinpath") else ""
        if "@" in url and ":" in url.partition("://")[2].partition("@")[0]:
            raise InforuInputError(
                f"{name} has a password in it, and Airflow shows it. {NO_NEW_CALLS}. Name a connection "
                "instead, as in s3://CONN_ID@bucket/name.csv"
            )


def check_flags(**flags: object) -> None:
    """Refuse what is not a bool, for arguments that are not templates.

    :param flags: By the argument's name.
    :raises InforuInputError: Names the argument.
    """
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise InforuInputError(f"{name} must be True or False, not {_show(value)}. {NO_NEW_CALLS}")


def _show(value: object) -> str:
    """Return a value for an error. A phone in the wrong argument is hidden."""
    return hide_phones(repr(value))
