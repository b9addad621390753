"""Notifiers: what calls a phone from a callback of Airflow's."""
