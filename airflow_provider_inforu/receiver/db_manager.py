"""The tables in Airflow's metadata database: ``airflow db migrate`` makes them where it is told so.

.. code-block:: ini

    [database]
    external_db_managers = airflow_provider_inforu.receiver.db_manager.InforuDBManager

It is not in the provider info, where ``airflow db check-migrations`` would ask everybody for the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.utils.db_manager import BaseDBManager

from airflow_provider_inforu.receiver.migrate import FOLDER, MIGRATIONS
from airflow_provider_inforu.receiver.tables import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from alembic.config import Config


class InforuDBManager(BaseDBManager):
    """Makes, migrates and drops the tables of notifications together with Airflow's own."""

    metadata = metadata
    version_table_name = VERSION_TABLE
    migration_dir = str(MIGRATIONS)
    alembic_file = str(FOLDER / "alembic.ini")
    supports_table_dropping = True

    def get_alembic_config(self) -> Config:
        """Return what Alembic needs, with Airflow's own engine: it knows how to connect."""
        from airflow import settings

        config: Config = super().get_alembic_config()  # type: ignore[no-untyped-call]
        config.attributes["engine"] = settings.engine
        return config

    def downgrade(
        self,
        to_revision: str,
        from_revision: str | None = None,
        show_sql_only: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Go back to an earlier version of the tables.

        :param to_revision: The version; ``base`` is before the first.
        :param from_revision: Where to start from when only SQL is shown.
        :param show_sql_only: Print SQL and change nothing.
        """
        from alembic import command

        revision = f"{from_revision}:{to_revision}" if show_sql_only and from_revision else to_revision
        command.downgrade(self.get_alembic_config(), revision, sql=show_sql_only)
