"""The tables of a database: made, migrated, or found missing."""

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

# Alembic's context is one for the process.
_in_this_process = Lock()


class NotReadyError(RuntimeError):
    """The tables are missing, and making them is the administrator's task."""


def upgrade(engine: sa.Engine) -> None:
    """Bring the tables to the newest version; of several that begin at a time, one does it.

    :param engine: Of the database.
    :raises NotReadyError: The tables are newer than this package.
    """
    migrate(engine, lambda config: command.upgrade(config, "head"))


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Bring the tables to an earlier version.

    :param engine: Of the database.
    :param revision: The version; ``base`` is before the first.
    """
    migrate(engine, lambda config: command.downgrade(config, revision))


def migrate(engine: sa.Engine, change: Callable[[Config], None]) -> None:
    """Run a command of Alembic's, alone.

    :param engine: Of the database.
    :param change: The command.
    :raises NotReadyError: The tables are of a version that this package does not know.
    """
    with _in_this_process, _alone(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            change(config)
        except CommandError as error:
            raise NotReadyError(
                f"the tables of notifications cannot be migrated ({error}); "
                "they may be newer than this package"
            ) from error


def check_version(engine: sa.Engine) -> None:
    """Make sure that the tables are there, in the newest version.

    :param engine: Of Airflow's metadata database.
    :raises NotReadyError: They are not, and what to do.
    """
    with engine.connect() as connection:
        found = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE}
        ).get_current_heads()
    if set(found) != set(ScriptDirectory(str(MIGRATIONS)).get_heads()):
        raise NotReadyError(
            "the tables of notifications are missing or old in Airflow's metadata database: run `airflow "
            "inforu receiver setup` (Airflow 3.2 or later), or add "
            "airflow_provider_inforu.receiver.db_manager.InforuDBManager to [database] external_db_managers "
            "and run `airflow db migrate`, or set [inforu] receiver_database"
        )


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection on which nobody else migrates meanwhile, and commit at the end."""
    name = engine.dialect.name
    with engine.connect() as connection:
        if name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")
        elif name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # DDL commits by itself there, so the lock is the session's.
            connection.execute(
                sa.text("SELECT GET_LOCK(:name, :seconds)"), {"name": _LOCK_NAME, "seconds": _LOCK_SECONDS}
            )
        yield connection
        connection.commit()
        if name not in ("postgresql", "sqlite"):
            connection.execute(sa.text("SELECT RELEASE_LOCK(:name)"), {"name": _LOCK_NAME})
