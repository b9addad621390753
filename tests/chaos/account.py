"""What became of every person of a send: the sandbox's record, the ledger and the task's log compared."""

import re
from collections import Counter

from airflow_provider_inforu.ledger.batch_state import BatchState

PEOPLE_IN_A_BATCH = 100
_KEY = re.compile(r"\bk\d+\b")

WORDS = {
    None: "not sent",
    BatchState.ACCEPTED: "accepted",
    BatchState.REJECTED: "rejected",
    BatchState.SUBMITTING: "in doubt",
}

WRONGS = (
    "called twice",
    "called under another send",
    "called but unknown to the ledger",
    "called but taken as not called",
    "not called but taken as called",
    "in doubt and not named",
)


def account(calls, ledger, log):
    """Count the people of a send by what the ledger says of them, and by what is wrong with that.

    :param calls: Every call that the sandbox accepted.
    :param ledger: A RemoteLedger.
    :param log: Of the last try, which names everybody who is in doubt.
    """
    send_id = ledger.header.send_id
    by_phone = Counter(call["phone"] for call in calls)
    called = Counter(call["message_id"] for call in calls)
    named = set(_KEY.findall(log))
    count = Counter({"people": ledger.header.recipients, "attempts": ledger.header.attempts})
    count["called"] = len(by_phone)
    count["called twice"] = sum(times > 1 for times in (by_phone | called).values())
    count["called under another send"] = sum(not one.startswith(f"{send_id}-") for one in called)
    for number in range(ledger.header.recipients):
        state = state_of(ledger, number)
        is_called = called[f"{send_id}-k{number}"] > 0
        count[WORDS[state]] += 1
        count["called but unknown to the ledger"] += is_called and state is None
        count["called but taken as not called"] += is_called and state is BatchState.REJECTED
        count["not called but taken as called"] += not is_called and state is BatchState.ACCEPTED
        if state is BatchState.SUBMITTING:
            count["in doubt and not named"] += f"k{number}" not in named
    return count


def state_of(ledger, number):
    """Return what the ledger says of a person, by their place in the list; None is "not sent"."""
    record = _record_of(ledger, number)
    return record and record.state


def attempts_in_order_of_calls(calls, ledger):
    """Return the attempts whose batches the sandbox accepted, in the order in which it did."""
    keys = [call["message_id"].removeprefix(f"{ledger.header.send_id}-k") for call in calls]
    return [_record_of(ledger, int(key)).request.split(".")[0] for key in keys]


def _record_of(ledger, number):
    return ledger.records.get(number // PEOPLE_IN_A_BATCH + 1)
