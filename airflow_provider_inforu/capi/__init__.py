"""The vendor's API with no Airflow in it: only `client` does input and output."""
