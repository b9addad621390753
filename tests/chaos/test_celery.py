"""Many workers on one account: one dies in the middle, nobody is called twice, the rate is never exceeded.

CeleryExecutor with Redis and PostgreSQL, and two worker processes. The sandbox records every request, and
every call that it accepted.
"""

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from airflow_provider_inforu.recipients.batches import digest
from demo.airflow_environment import StackSettings
from demo.sandbox_process import SandboxProcess
from tests.chaos.campaign_under_way import CampaignUnderWay, arrivals
from tests.chaos.celery_stack import CeleryStack, new_broker
from tests.chaos.places import most_within, watched_places
from tests.chaos.test_real_airflow import IMPATIENCE
from tests.integration.conftest import new_postgres_database
from tests.integration.ground import Ground

pytestmark = [
    pytest.mark.integration,
    pytest.mark.postgres,
    pytest.mark.redis,
]

SHARDS, PEOPLE = 20, 1000
WORKERS, CONCURRENCY = 2, 4
SOME = 3000
"""So many are called before a worker dies."""
REQUESTS_PER_SECOND = 5
"""Few, so that the limit decides how long the campaign takes. One task alone would use it up."""
LEEWAY = 1.05
WINDOW_SECONDS = 10
LATENCY_SECONDS = 1.0


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow-celery")
    (home / "dags").mkdir()
    shutil.copy(Path(__file__).parent / "dags" / "sharded_send.py", home / "dags")
    with ExitStack() as stack:
        broker = stack.enter_context(new_broker())
        database = stack.enter_context(new_postgres_database())
        sandbox = stack.enter_context(SandboxProcess(home, dict(os.environ), call_seconds=0.2))
        limit = f"inforu:rate:{digest([sandbox.url, sandbox.username])}"
        stack.callback(broker.forget, limit)
        # What the limit should prevent is to be seen, not refused.
        sandbox.change_settings(latency=LATENCY_SECONDS, requests_per_second=0)
        connection = sandbox.connection(requests_per_second=REQUESTS_PER_SECOND)
        settings = StackSettings(
            home=home / "airflow",
            dags_folder=home / "dags",
            sql_alchemy_conn=database,
            connections={"inforu_default": json.dumps(connection)},
            variables={**IMPATIENCE, "AIRFLOW__INFORU__RATE_LIMIT_REDIS_URL": broker.url},
        )
        airflow = CeleryStack(settings, broker, workers=WORKERS, concurrency=CONCURRENCY)
        ground = Ground(stack.enter_context(airflow), sandbox)
        yield ground, stack.enter_context(watched_places(broker.server, limit))


def check(what, times):
    most, bound = most_within(WINDOW_SECONDS, times), REQUESTS_PER_SECOND * WINDOW_SECONDS * LEEWAY
    print(f"{what}: at most {most} in {WINDOW_SECONDS} s; the bound is {bound:g}")
    assert most <= bound


def test_when_one_of_two_workers_dies_the_other_ends_the_campaign_and_the_rate_is_kept_throughout(running):
    ground, slots = running
    campaign = CampaignUnderWay(ground, shards=SHARDS, people=PEOPLE)
    ground.airflow.kill(campaign.wait_for_busy_worker(ground.airflow.workers, CONCURRENCY, SOME))

    total = campaign.end()

    assert total["tasks tried again"] == CONCURRENCY
    requests = arrivals(ground.sandbox)
    assert len(requests) <= len(slots()), "requests left without a place in the limit, or a place was missed"
    check("slots", slots())
    check("requests", requests)
