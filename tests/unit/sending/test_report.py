import re

from airflow_provider_inforu.sending.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.sending.plan import plan_batches
from airflow_provider_inforu.sending.report import Report
from airflow_provider_inforu.sending.spool import Recipient


def report_of(people):
    batches = plan_batches([Recipient(f"k{number}", "0500000001", "hi") for number in range(people)])
    return Report("5e4d", batches, {one.number: BatchRecord(BatchState.SUBMITTING, "d") for one in batches})


def test_everybody_in_doubt_is_named_however_many_they_are():
    report = report_of(3200)
    assert "3200 are in doubt" in report.describe()
    said = ", ".join(report.lines_of_keys(report.in_doubt))
    assert {f"k{number}" for number in range(3200)} <= set(re.findall(r"k\d+", said))


def test_nobody_in_doubt_makes_no_line():
    assert list(report_of(0).lines_of_keys([])) == []
