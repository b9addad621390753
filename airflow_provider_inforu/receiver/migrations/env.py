"""The Alembic environment: Alembic runs this file to migrate the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from airflow_provider_inforu.receiver.tables import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _run_offline() -> None:
    context.configure(
        url=context.config.get_main_option("sqlalchemy.url"),
        target_metadata=metadata,
        literal_binds=True,
        version_table=VERSION_TABLE,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_online() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run_on(given)
        return
    with context.config.attributes["engine"].connect() as connection:
        _run_on(connection)


def _run_on(connection: Connection) -> None:
    # In batch mode, because SQLite supports few ALTER statements.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _run_offline()
else:
    _run_online()
