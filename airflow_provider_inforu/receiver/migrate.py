"""Makes and migrates the tables in a database of their own."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_provider_inforu.receiver.tables import metadata


def upgrade(engine: sa.Engine) -> None:
    """Bring the tables to the newest version."""
    metadata.create_all(engine)
