"""The time zone of the vendor (assumed: the guide's times have none)."""

ISRAEL = "Asia/Jerusalem"
"""IANA name. A module of its own, since every DAG file that is parsed imports it."""
