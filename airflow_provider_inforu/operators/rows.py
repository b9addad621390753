"""The rows of a task, out of sight."""

from __future__ import annotations

from collections.abc import Collection, Mapping


class HiddenRows:
    """Rows that show their number only, so that no phone is stored or shown as a rendered field."""

    def __init__(self, rows: object) -> None:
        self.rows = rows

    def serialize(self) -> str:
        """Return what Airflow stores and shows."""
        if isinstance(self.rows, Collection) and not isinstance(self.rows, str | bytes | Mapping):
            return "<1 recipient>" if len(self.rows) == 1 else f"<{len(self.rows)} recipients>"
        return f"<recipients: {type(self.rows).__name__}>"

    __repr__ = serialize
