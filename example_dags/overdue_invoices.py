"""Phone the customers of a database whose invoices are overdue, within the hours in which one may call."""

from __future__ import annotations

# [START howto_overdue_invoices]
from contextlib import closing
from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_provider_inforu.transfers.sql_to_voice import SqlToInforuVoiceOperator

# A connection of type SQLite whose host is a file. On PostgreSQL :today is %(today)s.
DATABASE = "billing"
DEMO_TABLES = Path(__file__).parent / "data" / "invoices.sql"
OVERDUE = """
    SELECT customer_id, name, phone, sum(amount) AS amount, min(due_date) AS due_date
    FROM customers JOIN invoices USING (customer_id)
    WHERE paid_on IS NULL AND due_date < :today
    GROUP BY customer_id, name, phone
    ORDER BY customer_id
"""
MESSAGE = "שלום {name}, חשבון על סך {amount:money} היה לתשלום עד {due_date:date} וטרם שולם."


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={
        "sending_window": Param("sun-thu 09:00-20:00; fri 09:00-13:00", type="string"),
        "dry_run": Param(default=False, type="boolean"),
    },
    tags=["inforu", "example"],
)
def overdue_invoices() -> None:
    """Call each customer once, but for those who asked not to be called."""

    @task
    def fill_demo_tables() -> None:
        """Make new tables; a real DAG has no such task."""
        from airflow.providers.sqlite.hooks.sqlite import SqliteHook

        with closing(SqliteHook(DATABASE).get_conn()) as connection:
            connection.executescript(DEMO_TABLES.read_text(encoding="utf-8"))

    call = SqlToInforuVoiceOperator(
        task_id="call",
        conn_id=DATABASE,
        sql=OVERDUE,
        # Not the day of the try, so that a retry after midnight finds the same people.
        parameters={"today": "{{ dag_run.run_after | ds }}"},
        key_field="customer_id",
        message=MESSAGE,
        suppress={"conn_id": DATABASE, "sql": "SELECT phone FROM opt_outs"},
        sending_window="{{ params.sending_window }}",
        dry_run="{{ params.dry_run }}",
        campaign_name="Overdue invoices",
    )
    fill_demo_tables() >> call


overdue_invoices()
# [END howto_overdue_invoices]
