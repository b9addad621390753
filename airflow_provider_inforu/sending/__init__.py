"""What is sent, to whom, in which requests: no Airflow in it."""
