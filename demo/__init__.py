"""A real Airflow and the sandbox, started together: `make demo`, and the ground of the integration tests."""
