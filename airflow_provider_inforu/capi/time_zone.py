"""The vendor's time zone. It is assumed, because the times in the guide have no zone."""

ISRAEL = "Asia/Jerusalem"
"""IANA name. This module is separate because parsing any DAG file imports it."""
