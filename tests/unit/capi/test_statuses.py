from pathlib import Path

import pytest

from airflow_provider_inforu.capi.statuses import StatusId, describe

GUIDE = {
    1: ("OK", 200),
    -1: ("General failure", 401),
    -2: ("Authentication failed or illegal IP address", 401),
    -221: ("User not active", 403),
    -222: ("Locked out", 403),
    -2010: ("Max records for this method is 100", 403),
    -2011: ("Max records for this method is 5000", 403),
    -2014: ("RequestToken not found", 403),
    -2015: ("Job in progress", 403),
}
VENDOR = [
    *(-6, -9, -13, -14, -15, -16, -17, -18, -22, -26, -90, -94, -291, -96, -230, -231, -429, -524),
]


@pytest.mark.parametrize(("number", "facts"), GUIDE.items())
def test_each_status_of_the_guide_has_the_guides_meaning_and_http_code(number, facts):
    status = StatusId(number)
    assert (status.meaning, status.http_status, status.source) == (*facts, "guide")


@pytest.mark.parametrize("number", VENDOR)
def test_a_status_of_the_vendors_other_documents_is_not_presented_as_the_guides(number):
    assert StatusId(number).source == "vendor"
    assert StatusId(number).meaning


def test_no_status_is_known_that_neither_document_has():
    assert {int(status) for status in StatusId} == {*GUIDE, *VENDOR}


def test_an_unknown_status_is_described_as_unknown():
    assert describe(-13) == "-13: User quota exceeded"
    assert describe(-4711) == "-4711: unknown StatusId"


@pytest.mark.parametrize("status", StatusId)
def test_the_page_on_the_vendors_api_lists_every_status(status):
    page = (Path(__file__).parents[3] / "docs" / "vendor-api.md").read_text()
    assert f"| {int(status)} | {status.meaning} | {status.http_status or '–'} | {status.source} |" in page
