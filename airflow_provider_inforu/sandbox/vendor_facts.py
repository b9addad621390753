"""The behaviour of the sandbox, with a mark for documented and assumed behaviour.

The page, the control API and ``docs/sandbox.md`` show this table.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Mark = Literal["documented", "assumed"]


class Fact(NamedTuple):
    """One behaviour."""

    behaviour: str
    """What the sandbox does."""
    mark: Mark
    """``documented``: a text of the vendor describes it. ``assumed``: no text does."""
    source: str
    """The document, or the reason for the assumption."""


_GUIDE = "the vendor's guide for the voice functions"
_OTHER = "the vendor's documents for other functions"

FACTS = (
    Fact("Functions are called by `POST /api/v2/<Family>/<Function>` with JSON", "documented", _GUIDE),
    Fact("`/api/V2` is the same as `/api/v2`", "documented", f"{_GUIDE}, which writes both"),
    Fact("A slash at the end of the path is tolerated", "assumed", "seen in client code"),
    Fact("Authentication by a Basic header, or by `Auth` in the body", "documented", _GUIDE),
    Fact("Where both are given, the header decides", "assumed", "nothing says which"),
    Fact("The envelope of an answer, and its field names", "documented", _GUIDE),
    Fact("`Data` is null when a request fails", "assumed", "nothing says what it holds"),
    Fact("RequestId and RequestToken are random hexadecimal words", "assumed", "the guide's are made up"),
    Fact("Wrong credentials: HTTP 401, StatusId -2", "documented", _GUIDE),
    Fact("More than 100 items: HTTP 403, StatusId -2010", "documented", _GUIDE),
    Fact("StatusId and HTTP code of -1, -221, -222, -2011, -2014 and -2015", "documented", _GUIDE),
    Fact("The meaning of the other StatusIds", "documented", _OTHER),
    Fact(
        "HTTP 403 for StatusIds without a documented HTTP code",
        "assumed",
        "the guide's refusals are 403",
    ),
    Fact("A body that is not JSON: HTTP 401, StatusId -1", "assumed", "the guide's general failure"),
    Fact("A function that does not exist: HTTP 404, StatusId -230", "assumed", "-230 means an invalid URI"),
    Fact("`List` empty or missing: StatusId -6", "assumed", f"the code is from {_OTHER}"),
    Fact(
        "A text missing in any item: the request is refused, StatusId -9",
        "assumed",
        f"the code is from {_OTHER}",
    ),
    Fact("No valid phone in the request: StatusId -18", "assumed", f"the code is from {_OTHER}"),
    Fact(
        "Some invalid phones in a request: the others are called, these are left out silently",
        "assumed",
        "the answer has no part for a single recipient",
    ),
    Fact("A phone is valid as 0 or 972 and 8 or 9 digits", "assumed", "the guide shows local numbers only"),
    Fact(
        "More calls than the quota has left: StatusId -15, none is placed",
        "assumed",
        f"the code is from {_OTHER}",
    ),
    Fact(
        "More than 30 requests in a second: HTTP 429, StatusId -429, Retry-After",
        "documented",
        f"{_OTHER}, second hand",
    ),
    Fact("The limit counts the requests of the last second", "assumed", "nothing says how it is counted"),
    Fact("A CampaignRefId that was not used before creates a campaign", "documented", _GUIDE),
    Fact("Without CampaignRefId, calls go to the month's campaign DefaultYYYYMM", "documented", _GUIDE),
    Fact("The month changes at midnight in Israel", "assumed", "nothing says where"),
    Fact(
        "SendExisting answers the campaign's own CampaignID", "assumed", "the guide asks for 183, answers 194"
    ),
    Fact("With Duplicate the campaign is copied first, under DuplicateName", "documented", _GUIDE),
    Fact("Without DuplicateName the copy is called `Copy of …`", "assumed", "nothing says so"),
    Fact("A CampaignId that does not exist: StatusId -17", "assumed", f"the code is from {_OTHER}"),
    Fact(
        "IgnorePossibleSendingTime changes nothing: there are no sending hours",
        "assumed",
        "they are the account's",
    ),
    Fact("Admin/GetQuota, its parameters and answer", "documented", _OTHER),
    Fact(
        "Voice/Message/Status: 1 when all calls ended, -2015 before, -2014 for an unknown token",
        "assumed",
        "no function is documented that takes a RequestToken of voice calls",
    ),
    Fact("The envelope and the fields of a notification", "documented", _GUIDE),
    Fact("Status Answered, EventName EndOfCall", "documented", _GUIDE),
    Fact("Status NoAnswer and Busy", "assumed", "the guide shows no other Status than Answered"),
    Fact("DateTime is the local time of Israel", "assumed", "it agrees with the vendor's samples"),
    Fact("A push that fails is not repeated", "assumed", "nothing says so"),
    Fact("XML instead of JSON is not answered", "assumed", "documented, but with no example"),
)
"""Every behaviour with its mark."""


def facts_as_json() -> list[dict[str, Any]]:
    """Return the table for ``GET /_sandbox/facts``."""
    return [fact._asdict() for fact in FACTS]


def facts_as_markdown() -> str:
    """Return the table for ``docs/sandbox.md``."""
    rows = [f"| {fact.behaviour} | {fact.mark} | {fact.source} |" for fact in FACTS]
    return "\n".join(["| Behaviour | | Source |", "|---|---|---|", *rows])
