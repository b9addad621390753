"""Check an operator's arguments: constants when Airflow parses the DAG, all of them when the task runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_inforu.capi import voice
from airflow_provider_inforu.capi.errors import NO_NEW_CALLS, InforuInputError
from airflow_provider_inforu.capi.time_zone import ISRAEL
from airflow_provider_inforu.ledger.local_files import LOCAL_PROTOCOLS
from airflow_provider_inforu.operators.arguments import (
    InvalidArgumentError,
    check_choices,
    check_field_names,
    check_flags,
    check_key_is_no_phone,
    check_numbers,
    check_report_path,
    read_flag,
    read_given_flag,
    read_limit,
    text_or_none,
)
from airflow_provider_inforu.recipients.choices import (
    InDoubt,
    InvalidRecipients,
    OnDuplicate,
    OutsideWindow,
    QuotaCheck,
)

if TYPE_CHECKING:
    from types import FunctionType

    from airflow_provider_inforu.operators.hidden_rows import HidesRows

Check = Callable[..., None]
"""A function with keyword-only parameters that are attributes of an operator. It raises InforuInputError."""

_TEMPLATE_MARKS = ("{{", "{%", "{#")


@contextmanager
def _no_retry_of_input_errors(prefix: str) -> Iterator[None]:
    # Airflow builds a mapped operator in the worker, and would retry an error of its constructor.
    try:
        yield
    except InforuInputError as error:
        raise InvalidArgumentError(f"{prefix}{error}") from None


def run_checks(operator: HidesRows, checks: Iterable[Check], *, only_constants: bool) -> None:
    """Check arguments of an operator.

    :param operator: The operator. Its attributes are the arguments.
    :param checks: The checks to run.
    :param only_constants: Omit checks of values that are unknown until the task runs: templates and outputs
        of upstream tasks.
    :raises InvalidArgumentError: An argument is invalid.
    """
    for check in checks:
        code = cast("FunctionType", check).__code__
        names = code.co_varnames[: code.co_kwonlyargcount]
        values = {name: getattr(operator, name) for name in names}
        if not only_constants or all(map(is_constant, values.values())):
            # An import error does not name the task, and a DAG file may have many.
            with _no_retry_of_input_errors(f"Task {operator.task_id!r}: " if only_constants else ""):
                check(**values)


def is_constant(value: object) -> bool:
    """Return whether the value of an argument is known when Airflow parses the DAG.

    :param value: The argument as written in the DAG file.
    """
    if isinstance(value, str):
        return not any(mark in value for mark in _TEMPLATE_MARKS)
    if isinstance(value, Mapping):
        return all(map(is_constant, value)) and all(map(is_constant, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_constant, value))
    if isinstance(value, os.PathLike):
        return True
    # Airflow resolves objects with `resolve`, such as a task's output, and renders those with template
    # fields.
    return not hasattr(value, "resolve") and not hasattr(value, "template_fields")


def check_rows(recipients: object) -> None:
    """Check the type of ``recipients`` when Airflow parses the DAG.

    :param recipients: The argument ``recipients``.
    :raises InvalidArgumentError: It is None, a set, a mapping, a data frame, bytes or a number.
    """
    kind = type(recipients).__name__
    if isinstance(recipients, Mapping):
        raise InvalidArgumentError(
            f"`recipients` must be a list, not {kind}. {NO_NEW_CALLS}. Pass the whole list: "
            "recipients=people(). Do not use .expand() over people: each mapped task would get one person"
        )
    hint = None
    if recipients is None:
        hint = "Pass the output of an upstream task, or [] to call nobody"
    elif isinstance(recipients, set | frozenset):
        hint = "A set has no order: pass sorted(...)"
    elif hasattr(recipients, "to_dict"):
        hint = "Pass frame.to_dict('records')"
    elif isinstance(recipients, bytes | int | float):
        hint = "Pass a list"
    if hint:
        raise InvalidArgumentError(
            f"`recipients` must be a list of phones or of mappings, not {kind}. {NO_NEW_CALLS}. {hint}"
        )


def check_report_is_no_source(report_path: object, **sources: object) -> None:
    """Check that the report does not replace a file that the task reads.

    :param report_path: The path or URL of the report; None for no report.
    :param sources: The values that may be files, by the name of the argument. Others are not checked.
    :raises InvalidArgumentError: The report has the name of a source.
    """
    for name, source in sources.items():
        is_path = isinstance(source, str | os.PathLike) or hasattr(source, "joinpath")
        if is_path and report_path and _real_name(report_path) == _real_name(source):
            raise InvalidArgumentError(
                f"`report_path` is the file of `{name}`, and the report would replace it. {NO_NEW_CALLS}. "
                "Set `report_path` to another file"
            )


def _real_name(path: object) -> str:
    scheme, found, rest = str(path).rpartition("://")
    # No file has a NUL character in its name, and `realpath` refuses it.
    is_local = scheme in LOCAL_PROTOCOLS and "\0" not in rest
    return os.path.realpath(rest) if is_local else f"{scheme}{found}{rest}"


def _check_flags_of_templates(*, resend: object, ignore_possible_sending_time: object) -> None:
    read_flag("resend", resend)
    if ignore_possible_sending_time is not None:
        read_flag("ignore_possible_sending_time", ignore_possible_sending_time)


def _check_dry_run(*, is_dry_run: object) -> None:
    read_given_flag("dry_run", is_dry_run)


def _check_window(*, sending_window: object, timezone: object) -> None:
    if text_or_none(sending_window) is None and timezone == ISRAEL:
        return
    from airflow_provider_inforu.sending.window import read_sending_window, read_zone

    read_zone(str(timezone))
    read_sending_window(sending_window, str(timezone))


def _check_fields(*, phone_field: object, key_field: object) -> None:
    check_field_names(phone_field=phone_field, key_field=key_field or "")
    check_key_is_no_phone(phone_field, key_field)


def _check_numbers(*, max_in_flight: object, poll_interval: object, calls_timeout: object) -> None:
    check_numbers(max_in_flight, poll_interval, calls_timeout)


def _check_limit(*, limit: object) -> None:
    read_limit(limit)


def _check_report_path(*, report_path: object) -> None:
    check_report_path(report_path)


def _check_plain_flags(*, wait_for_calls: object, deferrable: object) -> None:
    check_flags(wait_for_calls=wait_for_calls, deferrable=deferrable)


def _check_options(*, data_options: Any, call_options: Any) -> None:  # noqa: ANN401 - whatever was given
    voice.check_options(data_options, call_options)


def _check_choices(
    *,
    invalid_recipients: object,
    on_duplicate: object,
    in_doubt: object,
    outside_window: object,
    quota_check: object,
) -> None:
    check_choices(
        invalid_recipients=(invalid_recipients, InvalidRecipients),
        on_duplicate=(on_duplicate, OnDuplicate),
        in_doubt=(in_doubt, InDoubt),
        outside_window=(outside_window, OutsideWindow),
        **({} if quota_check is None else {"quota_check": (quota_check, QuotaCheck)}),
    )


def _check_message(*, message: object, timezone: str) -> None:
    _check_text("message", message)
    text = text_or_none(message)
    if text is None:
        return
    if not text.strip():
        raise InforuInputError(f"`message` is empty. {NO_NEW_CALLS}. Write the text to read aloud")
    if "{" in text or "}" in text:
        from airflow_provider_inforu.recipients.texts import TextTemplate
        from airflow_provider_inforu.sending.window import read_zone

        TextTemplate(text, read_zone(timezone))


def _check_campaign_texts(*, message_field: object, campaign_name: object, campaign_ref_id: object) -> None:
    check_field_names(message_field=message_field)
    _check_text("campaign_name", campaign_name)
    _check_text("campaign_ref_id", campaign_ref_id)


def _check_text(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise InforuInputError(f"`{name}` must be text, not {type(value).__name__}. {NO_NEW_CALLS}")


def _check_campaign_id(*, campaign_id: object) -> None:
    voice.read_campaign_id(campaign_id)


def _check_copy(*, duplicate: object, duplicate_name: object) -> None:
    if not read_flag("duplicate", duplicate) and text_or_none(duplicate_name):
        raise InforuInputError(
            f"`duplicate_name` is set, but `duplicate` is not. {NO_NEW_CALLS}. Set duplicate=True, or remove "
            "`duplicate_name`"
        )


SEND_CHECKS: tuple[Check, ...] = (
    _check_flags_of_templates,
    _check_dry_run,
    _check_window,
    _check_fields,
    _check_numbers,
    _check_limit,
    _check_report_path,
    _check_plain_flags,
    _check_options,
    _check_choices,
)
TEXT_TO_SPEECH_CHECKS: tuple[Check, ...] = (_check_message, _check_campaign_texts)
EXISTING_CAMPAIGN_CHECKS: tuple[Check, ...] = (_check_campaign_id, _check_copy)
