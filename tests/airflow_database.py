"""Airflow's own tables in a database of the test, in place of those in the test's Airflow home."""

from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from airflow import settings
from airflow.models import import_all_models
from airflow.models.base import Base
from sqlalchemy.orm import scoped_session, sessionmaker


@contextmanager
def airflow_on(url):
    """Let this process's Airflow use an empty database, of PostgreSQL or SQLite."""
    import_all_models()
    engine = sa.create_engine(url, pool_size=10)
    if engine.dialect.name == "postgresql":
        # Airflow's DAGs, bundles and versions are not the subject.
        sa.event.listen(engine, "connect", ignore_foreign_keys)
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine, autocommit=False, autoflush=False, expire_on_commit=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "engine", engine)
        patch.setattr(settings, "NonScopedSession", sessions)
        patch.setattr(settings, "Session", scoped_session(sessions))
        try:
            yield engine
        finally:
            settings.Session.remove()
            engine.dispose()


def ignore_foreign_keys(connection, _record):
    cursor = connection.cursor()
    cursor.execute("SET session_replication_role = replica")
    cursor.close()
    connection.commit()
