"""Bad and hostile input of the page "Inforu calls": the right answer, and never a traceback."""

from dataclasses import replace

import pytest

from airflow_provider_inforu.ui.call_views import CallsUnavailableError, TaskRef
from tests.unit.ui.conftest import READABLE

pytestmark = pytest.mark.usefixtures("every_dag")
HOSTILE = "<script>alert(1)</script>"
JSON = {"accept": "application/json"}


def batches_in_doubt(site):
    send = site.calls.find_send(site.task())
    return {str(one.number): one.request for one in site.calls.list_batches(send) if one.state == "in doubt"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=0", 422),
        ("page=-1", 422),
        ("page=two", 422),
        ("page=99", 404),
        ("page=99999999999999999999", 422),
        ("days=-1", 422),
        ("days=999999999999", 422),
        ("dag=%00", 422),
        ("connection=%1b", 422),
        ("dag=unknown", 200),
        ("needs_person=maybe", 422),
        (f"dag={HOSTILE}", 200),
    ],
)
def test_a_bad_parameter_of_the_list_has_its_answer(site, query, status):
    answer = site.client("viewer").get(f"{site.list}?{query}")
    assert answer.status_code == status
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "names",
    [
        {"run_id": "manual__2026-11-29T09:00:00+00:00/a b%2F"},
        {"task_id": "unknown"},
        {"task_id": HOSTILE},
        {"run_id": "a\x00b"},
        {"task_id": "\x1b[31m"},
        {"map_index": 5},
    ],
)
def test_a_task_without_a_send_is_not_found(site, names):
    client = site.client("admin")
    for page in ("send", "report.csv"):
        answer = client.get(site.send(page=page, **names))
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text
    body = {"choice": "accept", "batches": {"1": "r"}}
    assert client.post(site.send(page="settle", **names), json=body, headers=JSON).status_code == 404


@pytest.mark.parametrize("index", ["-2", "x", "99999999999"])
def test_an_impossible_map_index_is_refused(site, index):
    address = site.send().replace("map_index=-1", f"map_index={index}")
    assert site.client("viewer").get(address).status_code == 422


@pytest.mark.parametrize("run_id", ["manual/1+2", "a%2Fb", HOSTILE, "ריצה"])
def test_an_unusual_run_id_leads_to_its_send(site, run_id):
    task = TaskRef(READABLE, run_id, HOSTILE)
    send = replace(site.calls.sends[site.task()], task=task, by_status={HOSTILE: 3})
    site.calls.sends = {task: send}
    client = site.client("viewer")
    listed = client.get(site.list)
    from html import unescape
    from re import search

    link = unescape(search(r'href="([^"]*/send\?[^"]*)"', listed.text)[1])
    page = client.get(link)
    assert page.status_code == 200
    for one in (listed, page):
        assert "<script>alert" not in one.text
        assert "&lt;script&gt;alert" in one.text


def test_a_csv_cell_is_never_a_formula_and_no_page_holds_a_phone(site):
    from airflow_provider_inforu.outcomes.summary import CallResult

    bad = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", HOSTILE]
    site.calls.iter_results = lambda _: iter([CallResult(key, key, 1, "1", 1, None) for key in bad])
    answer = site.client("viewer").get(site.send(page="report.csv"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = answer.text.splitlines()[1:]
    assert len(rows) == len(bad)
    assert all(not row.lstrip('"').startswith(("=", "+", "-", "@", "\t", "＝")) for row in rows)
    assert "phone" not in answer.text.splitlines()[0]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "choice=accept&batches=11"),
        ("text/plain", '{"choice": "accept", "batches": {"11": "r"}}'),
        ("multipart/form-data; boundary=x", "--x--"),
        ("", '{"choice": "accept", "batches": {"11": "r"}}'),
    ],
)
def test_a_form_post_from_another_site_settles_nothing(site, content_type, body):
    client = site.client("admin")
    headers = {**JSON, "content-type": content_type} if content_type else JSON
    answer = client.post(site.send(page="settle"), content=body, headers=headers)
    assert answer.status_code in {415, 422}
    assert site.calls.settled == []


def test_a_request_that_the_browser_marks_as_cross_site_settles_nothing(site):
    body = {"choice": "accept", "batches": batches_in_doubt(site)}
    headers = {**JSON, "sec-fetch-site": "cross-site"}
    assert site.client("admin").post(site.send(page="settle"), json=body, headers=headers).status_code == 403
    assert site.calls.settled == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choice": "accept"},
        {"choice": "maybe", "batches": {"1": "r"}},
        {"choice": "accept", "batches": {}},
        {"choice": "accept", "batches": {"x": "r"}},
        {"choice": "accept", "batches": {"0": "r"}},
        {"choice": "accept", "batches": {"1": "r"}, "send_id": "0"},
        [],
    ],
)
def test_a_bad_decision_settles_nothing(site, body):
    answer = site.client("admin").post(site.send(page="settle"), json=body, headers=JSON)
    assert answer.status_code == 422
    assert site.calls.settled == []


def test_of_two_people_who_settle_at_once_the_second_is_told_that_nothing_changed(site):
    body = {"choice": "resend", "batches": batches_in_doubt(site)}
    first, second = (site.client(role) for role in ("user", "op"))
    assert first.post(site.send(page="settle"), json=body, headers=JSON).status_code == 200
    answer = second.post(site.send(page="settle"), json={**body, "choice": "accept"}, headers=JSON)
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.json()["detail"]
    assert [one[1] for one in site.calls.settled] == ["resend"]


def test_a_running_task_is_not_settled_and_its_page_offers_no_decision(site):
    task = site.task()
    site.calls.sends[task] = replace(site.calls.sends[task], has_ended=False, task_state="running")
    client = site.client("admin")
    assert "data-settle=" not in client.get(site.send()).text
    body = {"choice": "accept", "batches": batches_in_doubt(site)}
    assert client.post(site.send(page="settle"), json=body, headers=JSON).status_code == 409
    assert site.calls.settled == []


def test_a_ledger_that_cannot_be_read_is_told_in_words(site):
    def fail(_):
        raise CallsUnavailableError("The ledger cannot be read. Nothing was changed.")

    site.calls.list_batches = fail
    answer = site.client("viewer").get(site.send())
    assert answer.status_code == 503
    assert "The ledger cannot be read" in answer.text


def test_a_database_that_fails_is_told_without_its_parameters(site):
    from sqlalchemy.exc import OperationalError

    def fail(*_):
        raise OperationalError("select 1", {"phone": "0500000001"}, Exception("0500000001"))

    site.calls.list_sends = fail
    answer = site.client("viewer").get(site.list)
    assert answer.status_code == 503
    assert "0500000001" not in answer.text


def test_without_a_receiver_both_pages_say_so(site):
    site.calls.has_receiver = False
    client = site.client("viewer")
    assert "There is no receiver" in client.get(site.list).text
    assert "Outcomes are not available" in client.get(site.send()).text
    assert client.get(site.send(page="report.csv")).status_code == 404


def test_a_cursor_that_does_not_exist_is_not_found(site):
    assert site.client("viewer").get(site.send() + "&after=x").status_code == 404
    assert site.client("viewer").get(site.send() + "&status=%00").status_code == 422
