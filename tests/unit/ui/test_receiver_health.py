"""What the list says of the receiver."""

import datetime as dt
import re

import pytest

from airflow_provider_inforu.outcomes.push_health import PushHealth

pytestmark = pytest.mark.usefixtures("every_dag")
NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    ("health", "mark"),
    [
        (PushHealth(NOW), "no problems seen"),
        (PushHealth(None), "no push yet"),
        (PushHealth(NOW, {"wrong_secret": 1}), "check"),
        (PushHealth(None, {"wrong_secret": 1}), "check"),
    ],
)
def test_a_receiver_without_a_push_is_not_said_to_be_free_of_problems(site, monkeypatch, health, mark):
    monkeypatch.setattr(site.calls, "read_health", lambda conn_ids: dict.fromkeys(conn_ids[:1], health))
    text = site.client("viewer").get(site.list).text
    assert re.findall(r'<li><span class="mark \w+">([^<]*)</span>', text) == [mark]
