"""The commands ``airflow inforu …`` (Airflow 3.2 and later)."""
