"""Every event on every state: the state machine is small enough to try it all."""

import itertools

import pytest

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState, Event, LedgerError, apply

RECORDS = {
    "not sent": None,
    "submitting": BatchRecord(BatchState.SUBMITTING, "digest"),
    "accepted": BatchRecord(BatchState.ACCEPTED, "digest", request_token="t", campaign_id=194),
    "rejected": BatchRecord(BatchState.REJECTED, "digest", reason="no"),
}
EVENTS = {
    "submit": [Event.SUBMIT, 1, "digest"],
    "accept": [Event.ACCEPT, 1, "t", 194],
    "reject": [Event.REJECT, 1, "no"],
    "withdraw": [Event.WITHDRAW, 1],
}
ALLOWED = {
    ("not sent", "submit"): "submitting",
    ("submitting", "accept"): "accepted",
    ("submitting", "reject"): "rejected",
    ("submitting", "withdraw"): "not sent",
}


@pytest.mark.parametrize(("before", "event"), list(itertools.product(RECORDS, EVENTS)))
def test_an_event_leads_where_it_should_or_is_refused(before, event):
    if after := ALLOWED.get((before, event)):
        assert apply(RECORDS[before], EVENTS[event]) == RECORDS[after]
        return
    with pytest.raises(LedgerError, match="cannot follow"):
        apply(RECORDS[before], EVENTS[event])


@pytest.mark.parametrize("event", [["x", 1], ["s", 1], ["s", 1, 5], ["a", 1], ["r", 1, None], ["w", 1, 2]])
def test_an_entry_of_another_form_is_refused(event):
    for record in RECORDS.values():
        with pytest.raises(LedgerError):
            apply(record, event)
