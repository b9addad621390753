"""The decorated task is an operator that sends: its tests stand on the same ground."""

from tests.unit.operators.conftest import runner, sandbox

__all__ = ["runner", "sandbox"]
