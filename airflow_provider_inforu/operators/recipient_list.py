"""Read the recipients of a task from any source of rows, and log the skipped ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu._compat import BaseHook
from airflow_provider_inforu.operators.hidden_rows import stating_no_new_calls
from airflow_provider_inforu.recipients.input_files import is_file_name, rows_of_file
from airflow_provider_inforu.recipients.input_rows import AnyOf, RecipientsError, SourceError
from airflow_provider_inforu.recipients.recipient_reader import SUPPRESSED, read_recipients
from airflow_provider_inforu.recipients.skip_reasons import and_more, group_by_reason, name_rows
from airflow_provider_inforu.recipients.sql_query import rows_of_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.recipients.input_rows import StreamedRows
    from airflow_provider_inforu.recipients.recipient_reader import RecipientList
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules

log = logging.getLogger(__name__)

QUERY_FIELDS = {"conn_id", "sql", "parameters"}


def read_people(
    rows: object, rules: RecipientRules, *, suppress: object = None, encoding: str | None = None
) -> RecipientList:
    """Return the recipients of a send, and log the counts and the skipped rows.

    :param rows: The rows, or the path or URL of a file.
    :param rules: The rules for reading the rows.
    :param suppress: The people who must not be called: rows, a file, or a query as a mapping of ``conn_id``
        and ``sql``. None for nobody.
    :param encoding: The encoding of the file; None for UTF-8.
    :raises RecipientsError: The rows or the suppression list are invalid or unreadable.
    """
    with stating_no_new_calls():
        people = _read(rows, rules, suppress, encoding)
    log.info("recipients: %d to call, %d skipped", len(people.recipients), len(people.skipped))
    if len(people.recipients) == rules.limit:
        log.info("`limit` is %d: later rows are not read", rules.limit)
    if suppress is not None:
        _log_suppressed(people)
    if people.skipped:
        log.warning("skipped: %s", group_by_reason(people.skipped, keys_are_rows=rules.key_field is None))
    return people


def _read(rows: object, rules: RecipientRules, suppress: object, encoding: str | None) -> RecipientList:
    columns = [name for name in (rules.phone_field, rules.key_field) if name is not None]
    if is_file_name(rows):
        rows = rows_of_file(rows, encoding=encoding, columns=columns)
    if is_file_name(suppress):
        suppress = rows_of_file(suppress, columns=AnyOf(columns))
    elif isinstance(suppress, Mapping):
        suppress = _rows_of_suppressing_query(suppress, AnyOf(columns))
    return read_recipients(rows, rules, suppress)


def _log_suppressed(people: RecipientList) -> None:
    log.info("suppressed recipients: %d", sum(one.reason == SUPPRESSED for one in people.skipped))
    if people.unmatched:
        first = people.first_unmatched
        numbers = [number for number, key in first if key is None]
        keys = [key for _, key in first if key is not None]
        log.info(
            "entries of `suppress` that matched no recipient: %d (%s%s)",
            people.unmatched,
            name_rows(numbers, keys),
            and_more(people.unmatched - len(first)),
        )


def query_database(
    conn_id: str,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    columns: Sequence[str] = (),
) -> StreamedRows:
    """Return the rows of a query on an Airflow connection.

    :param conn_id: The ID of a connection to a database.
    :param sql: One query.
    :param parameters: The values of its placeholders, in the format of the driver.
    :param columns: The columns that the result must have.
    :raises SourceError: The connection is missing, or is not a database.
    """
    try:
        hook: Any = BaseHook.get_hook(conn_id)
    except Exception as error:
        raise SourceError(
            f"The connection {conn_id!r} of the query cannot be used ({type(error).__name__}).",
            "Add the connection, or install the provider of its type.",
        ) from None
    if not hasattr(hook, "set_autocommit"):
        raise SourceError(
            f"The connection {conn_id!r} of the query is not a database.", "Name a connection to a database."
        )
    return rows_of_query(hook, sql, parameters, columns=columns)


def _rows_of_suppressing_query(query: Mapping[Any, Any], columns: AnyOf) -> StreamedRows:
    if not {"conn_id", "sql"} <= query.keys() <= QUERY_FIELDS:
        raise RecipientsError(
            "`suppress` is a mapping, but not a query.",
            "Give a query the fields conn_id and sql, and if needed parameters.",
        )
    return query_database(query["conn_id"], query["sql"], query.get("parameters"), columns=columns)
