"""Creates, migrates and checks the tables of a database."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from airflow_provider_inforu.receiver.tables import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(__file__).parent
MIGRATIONS = FOLDER / "migrations"

_LOCK_NAME = "inforu_receiver_migrations"
_LOCK_NUMBER = 0x1F0_0125
_LOCK_SECONDS = 60

# Alembic's context is global to the process.
_in_this_process = Lock()


class NotReadyError(RuntimeError):
    """The tables are missing or have another version. An administrator must create or upgrade them."""


def upgrade(engine: sa.Engine) -> None:
    """Upgrade the tables to the newest version. If several processes start together, one does the work.

    :param engine: The engine of the database.
    :raises NotReadyError: The tables are newer than this package.
    """
    migrate(engine, lambda config: command.upgrade(config, "head"))


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Downgrade the tables to an earlier version.

    :param engine: The engine of the database.
    :param revision: The version; ``base`` removes the tables.
    """
    migrate(engine, lambda config: command.downgrade(config, revision))


def migrate(engine: sa.Engine, change: Callable[[Config], None]) -> None:
    """Run an Alembic command under a lock, so that no other process migrates at the same time.

    :param engine: The engine of the database.
    :param change: The Alembic command.
    :raises NotReadyError: The tables have a version that this package does not know.
    """
    with _in_this_process, _alone(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            change(config)
        except CommandError as error:
            raise NotReadyError(
                f"the tables of notifications cannot be migrated ({error}). "
                "They may be newer than this package: upgrade the package"
            ) from error


def check_version(engine: sa.Engine) -> None:
    """Check that the tables exist in the newest version.

    :param engine: The engine of Airflow's metadata database.
    :raises NotReadyError: The tables are missing or have another version.
    """
    with engine.connect() as connection:
        found = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE}
        ).get_current_heads()
    if set(found) != set(ScriptDirectory(str(MIGRATIONS)).get_heads()):
        raise NotReadyError(
            "the tables of notifications are missing or old in Airflow's metadata database. Run `airflow "
            "inforu receiver setup` (Airflow 3.2 or later). Or add "
            "airflow_provider_inforu.receiver.db_manager.InforuDBManager to [database] external_db_managers "
            "and run `airflow db migrate`. Or set [inforu] receiver_database"
        )


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection with a lock against other migrations, and commit at the end."""
    name = engine.dialect.name
    with engine.connect() as connection:
        if name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")
        elif name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # DDL commits implicitly there, so the lock belongs to the session.
            connection.execute(
                sa.text("SELECT GET_LOCK(:name, :seconds)"), {"name": _LOCK_NAME, "seconds": _LOCK_SECONDS}
            )
        yield connection
        connection.commit()
        if name not in ("postgresql", "sqlite"):
            connection.execute(sa.text("SELECT RELEASE_LOCK(:name)"), {"name": _LOCK_NAME})
