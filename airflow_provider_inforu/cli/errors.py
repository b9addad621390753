"""How a command ends that cannot do its work."""

from __future__ import annotations


class CommandError(Exception):
    """One line for the person at the terminal; the command then ends with exit code 1."""


class UsageError(CommandError):
    """The command was called in a way that it does not know; it ends with exit code 2."""
