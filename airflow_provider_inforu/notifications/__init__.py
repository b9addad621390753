"""Notifiers that phone people from Airflow's callbacks."""
