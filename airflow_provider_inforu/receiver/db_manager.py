"""A database manager with which ``airflow db migrate`` creates the tables in Airflow's metadata database.

.. code-block:: ini

    [database]
    external_db_managers = airflow_provider_inforu.receiver.db_manager.InforuDBManager

It is not in the provider info, because ``airflow db check-migrations`` would then require the tables in every
installation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.utils.db_manager import BaseDBManager

from airflow_provider_inforu.receiver.migrate import FOLDER, MIGRATIONS
from airflow_provider_inforu.receiver.tables import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from alembic.config import Config


class InforuDBManager(BaseDBManager):
    """Creates, migrates and drops the tables of notifications together with Airflow's own tables."""

    metadata = metadata
    version_table_name = VERSION_TABLE
    migration_dir = str(MIGRATIONS)
    alembic_file = str(FOLDER / "alembic.ini")
    supports_table_dropping = True

    def get_alembic_config(self) -> Config:
        """Return Alembic's configuration, with Airflow's own database engine."""
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
        """Downgrade the tables to an earlier version.

        :param to_revision: The version; ``base`` removes the tables.
        :param from_revision: The current version, for SQL output only; default: None.
        :param show_sql_only: Whether to print SQL and change nothing; default: False.
        """
        from alembic import command

        revision = f"{from_revision}:{to_revision}" if show_sql_only and from_revision else to_revision
        command.downgrade(self.get_alembic_config(), revision, sql=show_sql_only)
