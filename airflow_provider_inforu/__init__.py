"""Apache Airflow provider for the voice functions of the Inforu API."""

__version__ = "0.1.0"
