"""The outcomes of calls: the receiver's client, summaries, and when a wait ends. No Airflow import."""
