"""Phone each person in the result of a SQL query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu.operators.hidden_rows import (
    HiddenArguments,
    HiddenRows,
    HidesRows,
    unwrap_rows,
    without_recipients,
)
from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)
from airflow_provider_inforu.recipients.input_rows import RecipientsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDER_MATTERS = (
    "The query has no ORDER BY. A retry stops if the database returns the same people in another order. "
    "Order the rows by a column that does not change."
)


class _FromQuery(HidesRows):
    """An operator that reads its recipients from a SQL query.

    :param sql: One query, or the name of a ``.sql`` file. Its columns are the fields of a recipient.
    :param conn_id: The ID of the database's connection. Its hook must be a DB-API hook of Airflow.
    :param parameters: The values of the query's placeholders, in the format of the database driver. None
        (default): no placeholders.
    """

    query_fields: ClassVar[tuple[str, ...]] = ("sql", "conn_id", "parameters")
    _hides: ClassVar = {"suppress": HiddenRows, "parameters": HiddenArguments}
    template_ext: Sequence[str] = (".sql",)

    def __init__(
        self,
        *,
        sql: str,
        conn_id: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - to the operator that sends
    ) -> None:
        if "recipients" in kwargs:
            raise RecipientsError(
                f"{type(self).__name__} reads its recipients from the query, not from `recipients`.",
                "Remove `recipients`, or use the operator without Sql in its name.",
            )
        super().__init__(recipients=[], **kwargs)  # `_source` runs the query instead
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters

    phone_field: str
    key_field: str | None

    def _source(self) -> object:
        from airflow_provider_inforu.operators.recipient_list import query_database

        for name in ("sql", "conn_id"):
            if not isinstance(value := getattr(self, name), str):
                raise RecipientsError(f"`{name}` must be text, not {type(value).__name__}.")
        if "order by" not in " ".join(self.sql.lower().split()):
            self.log.warning(ORDER_MATTERS)
        columns = [name for name in (self.phone_field, self.key_field) if name is not None]
        return query_database(self.conn_id, self.sql, unwrap_rows(self.parameters), columns=columns)


class SqlToInforuVoiceOperator(_FromQuery, InforuSendTextToSpeechOperator):
    """Phone each person in the result of a SQL query, and read a text aloud.

    It also takes the arguments of `InforuSendTextToSpeechOperator`, except ``recipients``. The rows are
    streamed: on PostgreSQL and SQLite the memory use does not grow with their number. Each try runs the query
    again. A try stops if the people differ from the people of the first try.

    :param sql: One query, or the name of a ``.sql`` file. Its columns are the fields of a recipient.
    :param conn_id: The ID of the database's connection. Its hook must be a DB-API hook of Airflow.
    :param parameters: The values of the query's placeholders, in the format of the database driver. None
        (default): no placeholders.
    """

    template_fields: Sequence[str] = (
        *_FromQuery.query_fields,
        *without_recipients(InforuSendTextToSpeechOperator.template_fields),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sql": "sql",
        **InforuSendTextToSpeechOperator.template_fields_renderers,
    }


class SqlToInforuCampaignOperator(_FromQuery, InforuSendExistingCampaignOperator):
    """Phone each person in the result of a SQL query, and play an existing campaign.

    It also takes the arguments of `InforuSendExistingCampaignOperator`, except ``recipients``. It reads the
    query in the same way as `SqlToInforuVoiceOperator`.

    :param sql: One query, or the name of a ``.sql`` file. Its columns are the fields of a recipient.
    :param conn_id: The ID of the database's connection. Its hook must be a DB-API hook of Airflow.
    :param parameters: The values of the query's placeholders, in the format of the database driver. None
        (default): no placeholders.
    """

    template_fields: Sequence[str] = (
        *_FromQuery.query_fields,
        *without_recipients(InforuSendExistingCampaignOperator.template_fields),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sql": "sql",
        **InforuSendExistingCampaignOperator.template_fields_renderers,
    }
