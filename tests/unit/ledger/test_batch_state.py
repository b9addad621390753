"""Every event on every state: the state machine is small enough to try it all."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState, apply
from airflow_provider_inforu.ledger.ledger_errors import LedgerError
from airflow_provider_inforu.ledger.ledger_events import (
    Accepted,
    IntentLogged,
    Rejected,
    ResendLogged,
    Withdrawn,
    decode,
    encode,
)

RECORDS = {
    "not sent": None,
    "submitting": BatchRecord(BatchState.SUBMITTING, "digest"),
    "sent again": BatchRecord(BatchState.SUBMITTING, "digest", was_in_doubt=True),
    "sent again and refused": BatchRecord(BatchState.SUBMITTING, "digest", reason="no", was_in_doubt=True),
    "accepted": BatchRecord(BatchState.ACCEPTED, "digest", request_token="t", campaign_id=194),
    "rejected": BatchRecord(BatchState.REJECTED, "digest", reason="no"),
}
EVENTS = {
    "submit": IntentLogged(1, "digest"),
    "resend": ResendLogged(1, "digest"),
    "accept": Accepted(1, "t", 194),
    "reject": Rejected(1, "no"),
    "withdraw": Withdrawn(1),
}
ALLOWED = {
    ("not sent", "submit"): "submitting",
    ("submitting", "accept"): "accepted",
    ("submitting", "reject"): "rejected",
    ("submitting", "withdraw"): "not sent",
    # A refusal of the second request proves nothing about the first one.
    ("submitting", "resend"): "sent again",
    ("sent again", "resend"): "sent again",
    ("sent again", "reject"): "sent again and refused",
    ("sent again", "withdraw"): "sent again",
    ("sent again and refused", "resend"): "sent again",
    ("sent again and refused", "reject"): "sent again and refused",
    ("sent again and refused", "withdraw"): "sent again and refused",
}


@pytest.mark.parametrize(("before", "event"), list(itertools.product(RECORDS, EVENTS)))
def test_an_event_leads_where_it_should_or_is_refused(before, event):
    if after := ALLOWED.get((before, event)):
        assert apply(RECORDS[before], EVENTS[event]) == RECORDS[after]
        return
    if event == "accept" and before.startswith("sent again"):
        assert apply(RECORDS[before], EVENTS[event]).state is BatchState.ACCEPTED
        return
    with pytest.raises(LedgerError, match="is invalid for a batch"):
        apply(RECORDS[before], EVENTS[event])


@pytest.mark.parametrize(
    "entry",
    [
        "s",
        5,
        [],
        ["s"],
        ["x", 1],
        ["s", 1],
        ["s", 1, 5],
        ["t", 1],
        ["s", "1", "digest"],
        ["a", 1],
        ["a", 1, 5, 194],
        ["a", 1, "t", "194"],
        ["r", 1, None],
        ["w", 1, 2],
    ],
)
def test_an_entry_of_another_form_is_refused(entry):
    with pytest.raises(LedgerError, match="is not an event"):
        decode(entry)


@given(
    st.one_of(
        st.builds(IntentLogged, st.integers(1), st.text()),
        st.builds(ResendLogged, st.integers(1), st.text()),
        st.builds(Accepted, st.integers(1), st.none() | st.text(), st.none() | st.integers()),
        st.builds(Rejected, st.integers(1), st.text()),
        st.builds(Withdrawn, st.integers(1)),
    )
)
def test_an_event_is_read_as_it_was_written(event):
    assert decode(json.loads(json.dumps(encode(event)))) == event
