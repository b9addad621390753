"""Tests on a real Airflow, with the sandbox in the vendor's place."""
