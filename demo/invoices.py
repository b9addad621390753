"""The database of the example DAG that phones the overdue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def connection_of_invoices(home: Path) -> dict[str, str]:
    """Return the connection of the example, by its id: a SQLite file that its first task fills."""
    return {"billing": json.dumps({"conn_type": "sqlite", "host": str(home / "billing.db")})}
