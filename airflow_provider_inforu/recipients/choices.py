"""The valid values of operator arguments. The module imports nothing, so that Airflow parses DAGs fast."""

from __future__ import annotations

from typing import Literal

InDoubt = Literal["fail", "accept", "resend"]
QuotaCheck = Literal["fail", "warn"]
OutsideWindow = Literal["wait", "fail", "skip"]
InvalidRecipients = Literal["fail", "skip"]
OnDuplicate = Literal["skip", "send", "fail"]
