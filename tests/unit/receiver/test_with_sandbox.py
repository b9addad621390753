"""What the sandbox pushes is what the receiver tells."""

from collections import Counter

import requests

SEND = "0123456789abcdef"
PEOPLE = 60


def test_the_receiver_tells_the_outcomes_that_the_sandbox_recorded(receiver, inforu_sandbox):
    """Each notification comes three times, in any order, in bursts."""
    inforu_sandbox.update_settings(
        notification_url=receiver.push_url,
        notification_repeat=3,
        notification_reorder=True,
        notification_burst_seconds=0.5,
        notification_batch_size=7,
    )
    # None of the magic phones, one of which never reports its end.
    people = [
        {"Phone": f"0500000{n + 100}", "TextToSpeech": "x", "CustomerMessageID": f"{SEND}-{n}"}
        for n in range(PEOPLE)
    ]
    answer = requests.post(
        f"{inforu_sandbox.url}/api/v2/Voice/Message/Send",
        json={"Data": {"List": people}},
        auth=(inforu_sandbox.username, inforu_sandbox.token),
        timeout=60,
    )
    assert answer.json()["StatusId"] == 1, answer.text
    inforu_sandbox.wait_until_calls_ended(timeout=60)
    recorded = {call["message_id"]: call for call in inforu_sandbox.calls()}
    assert len(recorded) == PEOPLE
    summary = wait_for_everybody(receiver)
    assert summary["by_status"] == Counter(call["status"] for call in recorded.values())
    for call in receiver.pages(f"sends/{SEND}/calls", "calls"):
        theirs = recorded[f"{SEND}-{call['key']}"]
        assert (call["status"], call["digit"] or "") == (theirs["status"], theirs["digit"] or "")


def wait_for_everybody(receiver):
    for _ in range(3000):
        summary = receiver.summary(SEND)
        if summary["calls"] == PEOPLE:
            return summary
    raise AssertionError(summary)
