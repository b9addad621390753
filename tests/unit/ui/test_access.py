"""Who may see and do what on the page "Inforu calls"."""

import pytest

from airflow_provider_inforu.calls_page import PREFIX
from tests.unit.ui.conftest import FOREIGN, READABLE

pytestmark = pytest.mark.usefixtures("every_dag")
ACCEPT = {"choice": "accept", "batches": {"11": "r"}}
JSON = {"accept": "application/json"}


def in_doubt(site):
    send = site.calls.find_send(site.task())
    return {str(one.number): one.request for one in site.calls.list_batches(send) if one.state == "in doubt"}


@pytest.mark.parametrize("way", ["cookie", "bearer"])
@pytest.mark.parametrize(
    ("role", "may_settle"), [("viewer", False), ("user", True), ("op", True), ("admin", True)]
)
def test_each_role_reads_and_only_those_who_edit_tasks_settle(site, role, may_settle, way):
    client = site.client(role, way)
    assert client.get(site.list).status_code == 200
    page = client.get(site.send())
    assert page.status_code == 200
    assert ("data-settle=" in page.text) is may_settle
    assert client.get(site.send(page="report.csv")).status_code == 200
    decision = {"choice": "accept", "batches": in_doubt(site)}
    answer = client.post(site.send(page="settle"), json=decision, headers=JSON)
    assert answer.status_code == (200 if may_settle else 403)
    assert bool(site.calls.settled) is may_settle


def test_an_anonymous_browser_goes_to_the_login_and_comes_back(site):
    client = site.client()
    for address in (site.list, site.send(), site.send(page="report.csv")):
        answer = client.get(address)
        assert answer.status_code == 303
        from urllib.parse import parse_qs, urlsplit

        target = urlsplit(answer.headers["location"])
        assert target.path == f"{site.base}/api/v2/auth/login"
        assert parse_qs(target.query)["next"] == [address]


def test_an_anonymous_program_is_told_to_authenticate(site):
    client = site.client()
    for address in (site.list, site.send(), site.send(page="report.csv")):
        answer = client.get(address, headers=JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
    assert client.post(site.send(page="settle"), json=ACCEPT).status_code == 401
    assert site.calls.settled == []


def test_a_forged_or_expired_session_reads_nothing(site):
    forged = site.client()
    forged.cookies.set("_token", "forged")
    assert forged.get(site.list).status_code in {303, 403}
    expired = site.client("admin", lifetime=-3600)
    assert expired.get(site.list).status_code == 303
    assert expired.post(site.send(page="settle"), json=ACCEPT, headers=JSON).status_code == 401
    assert site.calls.settled == []


@pytest.mark.usefixtures("only_one_dag")
def test_a_reader_of_one_dag_sees_nothing_of_another(site):
    client = site.client("admin")
    assert READABLE in client.get(site.list).text
    assert FOREIGN not in client.get(site.list).text
    assert FOREIGN not in client.get(site.list, params={"dag": FOREIGN}).text.replace(f"dag={FOREIGN}", "")
    for page in ("send", "report.csv"):
        assert client.get(site.send(FOREIGN, page)).status_code == 403
    assert client.post(site.send(FOREIGN, "settle"), json=ACCEPT, headers=JSON).status_code == 403
    assert FOREIGN not in site.calls.asked


@pytest.mark.usefixtures("only_one_dag")
def test_a_send_of_another_dag_is_not_reached_through_a_readable_one(site):
    foreign = site.task(FOREIGN)
    client = site.client("admin")
    names = {"run_id": foreign.run_id, "task_id": foreign.task_id}
    assert client.get(site.send(READABLE, **names)).status_code == 404
    for more in (f"&dag_id={FOREIGN}", "&send_id=0000000000000000"):
        answer = client.get(site.send(READABLE, **names) + more)
        assert answer.status_code == 404
    assert FOREIGN not in site.calls.asked


def test_the_stylesheet_needs_no_login_and_every_answer_has_the_security_headers(site):
    client = site.client("viewer")
    assert site.client().get(f"{site.base}{PREFIX}/static/inforu.css").status_code == 200
    for address in (site.list, site.send(), site.send(page="report.csv"), site.list + "nothing"):
        headers = client.get(address).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_audit_log_names_who_settled_and_no_phone(site):
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    decision = {"choice": "accept", "batches": in_doubt(site)}
    assert site.client("op").post(site.send(page="settle"), json=decision, headers=JSON).status_code == 200
    with create_session() as session:
        entry = session.scalars(
            select(Log).where(Log.event == "inforu_settle").order_by(Log.id.desc())
        ).first()
        assert (entry.owner, entry.dag_id, entry.task_id) == ("a-op", READABLE, site.task().task_id)
        assert entry.run_id == site.task().run_id
        assert '"choice": "accept"' in entry.extra
        assert "05000" not in entry.extra


def test_a_refused_decision_is_in_the_audit_log_too(site):
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    count = select(func.count()).where(Log.event == "inforu_settle", Log.owner == "a-user")
    with create_session() as session:
        before = session.scalar(count)
    decision = {"choice": "resend", "batches": {**in_doubt(site), "9999": "r"}}
    answer = site.client("user").post(site.send(page="settle"), json=decision, headers=JSON)
    assert answer.status_code == 409
    assert site.calls.settled == []
    with create_session() as session:
        assert session.scalar(count) == before + 1
