"""What arguments of operators may choose from. It imports nothing, so that parsing a DAG stays cheap."""

from __future__ import annotations

from typing import Literal

InDoubt = Literal["fail", "accept", "resend"]
QuotaCheck = Literal["fail", "warn"]
OutsideWindow = Literal["wait", "fail", "skip"]
InvalidRecipients = Literal["fail", "skip"]
OnDuplicate = Literal["skip", "send", "fail"]
