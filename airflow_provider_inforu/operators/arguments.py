"""Read the values of arguments, and explain missing, unknown and invalid ones."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, cast, get_args

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.capi.redact import has_password, hide_phones
from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_inforu.operators.hidden_rows import HidesRows

REPORT_SUFFIXES = (".csv", ".ndjson", ".jsonl")
MOST_IN_FLIGHT = 128
LONGEST_WAIT_SECONDS = 30 * 24 * 3600
_OTHER_NAMES = {
    "text": "message",
    "phone": "recipients",
    "phones": "recipients",
    "people": "recipients",
    "conn_id": "inforu_conn_id",
}
_NO_NAMES = ("self", "args", "kwargs")


class InvalidArgumentError(InforuInputError, AirflowFailException):
    """An argument of an operator is invalid. Airflow does not retry a mapped task with this error."""


class UnknownArgumentError(TypeError, AirflowFailException):
    """An operator has no such argument. Airflow does not retry a mapped task with this error."""


class Missing:
    """The default of a required argument. It allows a clearer error than Airflow's own."""

    def __repr__(self) -> str:
        """Return the text that a signature shows."""
        return "<required>"


MISSING: Any = Missing()
_HOW_TO_GIVE = {
    "recipients": "Pass the whole list: recipients=people(). Do not use .expand_kwargs() over people",
    "campaign_id": "Pass the ID of the campaign, such as campaign_id=183",
}


def read_flag(name: str, value: object) -> bool:
    """Return an argument as a bool.

    :param name: The name of the argument, for the error.
    :param value: A bool, or the text to which a template rendered it. Empty text and None are False.
    :raises InforuInputError: The value is neither true nor false.
    """
    text = str(value).strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0", "none", ""):
        return False
    raise InforuInputError(f"`{name}` must be true or false, not {_show(value)}. {NO_NEW_CALLS}")


def read_given_flag(name: str, value: object) -> bool:
    """Return a flag as a bool. Unlike `read_flag`, it refuses an empty value.

    :param name: The name of the argument, for the error.
    :param value: A bool, or the text to which a template rendered it.
    :raises InforuInputError: The value is empty, or is neither true nor false.
    """
    if text_or_none(value) is None:
        raise InforuInputError(
            f"`{name}` rendered to an empty value. {NO_NEW_CALLS}. Is the upstream task skipped, or the "
            "param missing? Set it to true or false"
        )
    return read_flag(name, value)


def read_limit(value: object) -> int | None:
    """Return the largest number of recipients of a send, or None for no limit.

    :param value: The argument, or the text to which a template rendered it.
    :raises InforuInputError: The value is not a whole number from 1.
    """
    text = text_or_none(value)
    if text is None:
        return None
    if isinstance(value, bool) or not text.strip().isdecimal() or int(text) == 0:
        raise InforuInputError(
            f"`limit` must be a whole number from 1, not {_show(value)}. {NO_NEW_CALLS}. To call everybody, "
            "leave `limit` out"
        )
    return int(text)


@contextlib.contextmanager
def no_retry_on_invalid_input() -> Iterator[None]:
    """Fail the task without a retry if an argument or a row is invalid.

    An error of a source that cannot be read is not changed, because a retry may succeed.

    :raises AirflowFailException: The block raised an InforuInputError that is not a SourceError.
    """
    from airflow_provider_inforu.recipients.input_rows import SourceError

    try:
        yield
    except SourceError:
        raise
    except InforuInputError as error:
        raise AirflowFailException(str(error)) from None


@contextlib.contextmanager
def no_retry_on_final_errors() -> Iterator[None]:
    """Fail the task without a retry if a retry is not possible, or would fail again.

    :raises AirflowFailException: The block raised a NoRetryError or a NoLedgerStoreError.
    """
    from airflow_provider_inforu.ledger.ledger_errors import NoLedgerStoreError
    from airflow_provider_inforu.sending.send_errors import NoRetryError

    try:
        yield
    except (NoRetryError, NoLedgerStoreError) as error:
        raise AirflowFailException(str(error)) from error.__cause__


def text_or_none(value: object) -> str | None:
    """Return an argument as text, or None if it is empty. A template renders a missing value to "None".

    :param value: The value of the argument.
    """
    return None if value is None or str(value) in ("", "None") else str(value)


def check_given(name: str, value: object, others: Iterable[str]) -> None:
    """Check that a required argument is given.

    :param name: The name of the argument.
    :param value: Its value, or `MISSING`.
    :param others: The names of the other given arguments. One of them may be a misspelling of ``name``.
    :raises InvalidArgumentError: The argument is missing.
    """
    if value is not MISSING:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, others, 1, cutoff=0.75)
    hint = f"Did you mean {name!r} instead of {near[0]!r}? " if near else ""
    raise InvalidArgumentError(f"`{name}` is missing. {NO_NEW_CALLS}. {hint}{_HOW_TO_GIVE[name]}")


def explain_unknown(operator: type, given: Iterable[str]) -> UnknownArgumentError | None:
    """Return an error that lists the unknown arguments; None if all are known.

    :param operator: The operator's class.
    :param given: The names of the given arguments.
    """
    from difflib import get_close_matches

    own: dict[str, None] = {}
    known = {"default_args", "params", "dag", "task_group"}
    for base in operator.__mro__:
        if init := base.__dict__.get("__init__"):
            names = [name for name in inspect.signature(init).parameters if name not in _NO_NAMES]
            known.update(names)
            if base.__module__.startswith("airflow_provider_inforu."):
                own.update(dict.fromkeys(names))
    unknown = [name for name in given if name not in known]
    if not unknown:
        return None
    if "recipients" not in cast("type[HidesRows]", operator).template_fields:
        own.pop("recipients", None)  # its recipients come from a query or a function
    name = unknown[0]
    near = [_OTHER_NAMES[name]] if name in _OTHER_NAMES else get_close_matches(name, own, 1)
    hint = f"Did you mean {near[0]!r}? " if near and near[0] in own else ""
    if name in CONNECTION_FIELDS:
        hint = "Set it in the connection. "
    return UnknownArgumentError(
        f"{operator.__name__} has no argument {', '.join(map(repr, unknown))}. {hint}"
        f"Its arguments are {', '.join(own)}, and the arguments of every Airflow operator"
    )


def check_field_names(**names: object) -> None:
    """Check that names of fields are text.

    :param names: The names of the fields, by the name of the argument.
    :raises InforuInputError: A name is not text.
    """
    for name, value in names.items():
        if not isinstance(value, str):
            raise InforuInputError(
                f"`{name}` must be the name of a field, not {type(value).__name__}. {NO_NEW_CALLS}"
            )


def check_key_is_no_phone(phone_field: object, key_field: object) -> None:
    """Check that the key is not the phone, because logs show keys.

    :param phone_field: The argument ``phone_field``.
    :param key_field: The argument ``key_field``.
    :raises InforuInputError: Both name the same field.
    """
    if key_field is not None and key_field == phone_field:
        raise InforuInputError(
            f"`key_field` names the field with the phone, but logs show keys. {NO_NEW_CALLS}. Name another "
            "field, or leave `key_field` out to use row numbers"
        )


def check_numbers(max_in_flight: object, poll_interval: object, calls_timeout: object) -> None:
    """Check that numbers are in their range.

    :param max_in_flight: The argument ``max_in_flight``.
    :param poll_interval: The argument ``poll_interval``, in seconds.
    :param calls_timeout: The argument ``calls_timeout``, in seconds.
    :raises InforuInputError: A number is out of its range.
    """
    is_count = isinstance(max_in_flight, int) and not isinstance(max_in_flight, bool)
    if not (is_count and max_in_flight in range(1, MOST_IN_FLIGHT + 1)):
        raise InforuInputError(
            f"`max_in_flight` must be a whole number from 1 to {MOST_IN_FLIGHT}, not "
            f"{_show(max_in_flight)}. {NO_NEW_CALLS}"
        )
    for name, value in (("poll_interval", poll_interval), ("calls_timeout", calls_timeout)):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < float(str(value)) <= LONGEST_WAIT_SECONDS:
            raise InforuInputError(
                f"`{name}` must be a number of seconds above 0 and at most {LONGEST_WAIT_SECONDS}, "
                f"not {_show(value)}. {NO_NEW_CALLS}"
            )


def check_choices(**choices: tuple[object, Any]) -> None:
    """Check that arguments have one of their valid values.

    :param choices: The value and the ``Literal`` of its valid values, by the name of the argument.
    :raises InforuInputError: A value is not one of the valid values.
    """
    for name, (value, literal) in choices.items():
        known = get_args(literal)
        if value not in known:
            raise InforuInputError(
                f"`{name}` must be one of {', '.join(known)}, not {_show(value)}. {NO_NEW_CALLS}"
            )


def check_report_path(path: object) -> None:
    """Check that the path of the report ends in a known format, and can be the name of a file.

    :param path: A path or a URL that fsspec supports; None for no report.
    :raises InforuInputError: The ending is unknown, or the URL contains a password or a NUL character.
    """
    check_no_password(report_path=path)
    if "\0" in str(path):
        raise InforuInputError(f"`report_path` contains a NUL character: {_show(str(path))}. {NO_NEW_CALLS}")
    if path is not None and not str(path).endswith(REPORT_SUFFIXES):
        raise InforuInputError(
            f"`report_path` must end in one of {', '.join(REPORT_SUFFIXES)}, not {_show(str(path))}. "
            f"{NO_NEW_CALLS}"
        )


def check_no_password(**paths: object) -> None:
    """Check that no URL contains a password, because errors and pages of Airflow show URLs.

    :param paths: The paths and URLs, by the name of the argument. Other values are not checked.
    :raises InforuInputError: A URL contains a password.
    """
    for name, path in paths.items():
        url = str(path) if isinstance(path, str) or hasattr(path, "joinpath") else ""
        if has_password(url):
            raise InforuInputError(
                f"`{name}` contains a password, and Airflow would show it. {NO_NEW_CALLS}. Name a connection "
                "instead, as in s3://CONN_ID@bucket/name.csv"
            )


def check_flags(**flags: object) -> None:
    """Check that flags are bools. These arguments are not templates.

    :param flags: The values, by the name of the argument.
    :raises InforuInputError: A value is not a bool.
    """
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise InforuInputError(f"`{name}` must be True or False, not {_show(value)}. {NO_NEW_CALLS}")


def _show(value: object) -> str:
    """Return a value for an error, with phones hidden."""
    return hide_phones(repr(value))
