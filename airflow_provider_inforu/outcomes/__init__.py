"""What became of the calls of a send: summaries, and when waiting for them is over. No Airflow import."""
