"""Phone the people whom a query finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.operators.rows import (
    HiddenArguments,
    HiddenRows,
    HidesRows,
    rows_of,
    without_recipients,
)
from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDER_MATTERS = (
    "the query has no ORDER BY. A retry compares the people with those of the first try, and stops where the "
    "database gives them in another order: order them by a column that does not change"
)


class _FromQuery(HidesRows):
    """Takes the people from a query.

    :param sql: One query, or the name of a ``.sql`` file. Its columns are the fields of a recipient.
    :param conn_id: The connection of the database: any that Airflow has a DB-API hook for.
    :param parameters: What the query's placeholders stand for, as the driver takes them.
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
        # What stands in for the people until the query runs.
        super().__init__(recipients=[], **kwargs)
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters

    phone_field: str
    key_field: str | None

    def _source(self) -> object:
        from airflow_provider_inforu.operators.people import query_database

        for name in ("sql", "conn_id"):
            if not isinstance(getattr(self, name), str):
                raise InforuInputError(
                    f"{name} must be text, not {type(getattr(self, name)).__name__}: nothing was sent"
                )
        if "order by" not in " ".join(self.sql.lower().split()):
            self.log.warning(ORDER_MATTERS)
        columns = [name for name in (self.phone_field, self.key_field) if name is not None]
        return query_database(self.conn_id, self.sql, rows_of(self.parameters), columns=columns)


class SqlToInforuVoiceOperator(_FromQuery, InforuSendTextToSpeechOperator):
    """Phone each person whom a query finds, and read a text out.

    It takes the arguments of `InforuSendTextToSpeechOperator` beside these, but for ``recipients``. The rows
    are streamed: on PostgreSQL and SQLite memory does not grow with their number. Each try runs the query
    anew, and stops where the people differ from those of the first try.

    :param sql: One query, or the name of a ``.sql`` file (templated). Its columns are a recipient's fields.
    :param conn_id: The connection of the database: any that Airflow has a DB-API hook for.
    :param parameters: What the query's placeholders stand for, as the driver takes them (templated).
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
    """Phone each person whom a query finds, with a campaign that exists.

    It takes the arguments of `InforuSendExistingCampaignOperator` beside these, but for ``recipients``, and
    reads the query as `SqlToInforuVoiceOperator` does.

    :param sql: One query, or the name of a ``.sql`` file (templated). Its columns are a recipient's fields.
    :param conn_id: The connection of the database: any that Airflow has a DB-API hook for.
    :param parameters: What the query's placeholders stand for, as the driver takes them (templated).
    """

    template_fields: Sequence[str] = (
        *_FromQuery.query_fields,
        *without_recipients(InforuSendExistingCampaignOperator.template_fields),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sql": "sql",
        **InforuSendExistingCampaignOperator.template_fields_renderers,
    }
