"""What runs leave behind: everything in which a phone or a secret could be found."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import sqlalchemy as sa

from demo.airflow_stack import COMPONENTS

if TYPE_CHECKING:
    from tests.integration.ground import Ground, Run

# The people whom the user's own task hands over: their phones are there because the user put them there.
PEOPLES_TASK = "people"
PEOPLES_XCOM = (PEOPLES_TASK, "return_value")


def secrets_of(ground: Ground) -> list[str]:
    """Return the secrets of the connection, as they are and as they are sent."""
    sandbox = ground.sandbox
    header = base64.b64encode(f"{sandbox.username}:{sandbox.token}".encode()).decode()
    plain = [sandbox.token, *([ground.receiver.secret] if ground.receiver else [])]
    return [*plain, *map(quote, plain), header, header.rstrip("=")]


def everything_that_remains(ground: Ground, run: Run) -> dict[str, str]:
    """Return the logs, rendered fields and XComs of a run and the logs of all components, by their names."""
    api = ground.airflow.api
    tasks = api.task_instances(run.dag_id, run.run_id)
    xcoms = api.xcoms(run.dag_id, run.run_id)
    log_files = list(ground.airflow.settings.home.rglob("*.log"))
    assert {f"{component}.log" for component in COMPONENTS} <= {path.name for path in log_files}
    return {
        **ground.task_logs(run),
        **{
            f"XCom {xcom['key']} of {xcom['task_id']}": json.dumps(xcom["value"], ensure_ascii=False)
            for xcom in xcoms
            if (xcom["task_id"], xcom["key"]) != PEOPLES_XCOM
        },
        **{
            f"rendered fields of {task['task_id']}": json.dumps(
                ground.task(run, task["task_id"])["rendered_fields"]
            )
            for task in tasks
        },
        **{str(path): path.read_text("utf-8", errors="replace") for path in log_files},
    }


def everything_in_database(url: str) -> dict[str, str]:
    """Return the rows of each table of a PostgreSQL database, but for the people's XCom."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = {name: _rows(connection, name) for name in sa.inspect(connection).get_table_names()}
    engine.dispose()
    return {f"table {name}": text for name, text in rows.items()}


def _rows(connection: sa.Connection, table: str) -> str:
    query = sa.select(sa.text("t::text")).select_from(sa.table(table).alias("t"))
    if table == "xcom":
        query = query.where(sa.column("task_id") != PEOPLES_TASK)
    return "\n".join(connection.scalars(query))
