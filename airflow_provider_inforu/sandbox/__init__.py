"""A server that stands in for the vendor and calls nobody: to try a DAG without an account, and to test.

Start it with ``python -m airflow_provider_inforu.sandbox``, or from Python with :class:`SandboxServer`.
"""

from airflow_provider_inforu.sandbox.server import SandboxServer

__all__ = ["SandboxServer"]
