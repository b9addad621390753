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

from airflow_provider_inforu.sending.plan import digest
from demo.airflow_environment import StackSettings
from demo.sandbox_process import SandboxProcess
from tests.chaos.campaign_under_way import CampaignUnderWay, most_requests_within
from tests.chaos.celery_stack import CeleryStack, new_broker
from tests.chaos.test_real_airflow import IMPATIENCE
from tests.integration.conftest import new_postgres_database
from tests.integration.ground import Ground

pytestmark = [
    pytest.mark.integration,
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.timeout(500),
]

SHARDS, PEOPLE = 20, 1000
WORKERS, CONCURRENCY = 2, 4
SOME = 3000
"""So many are called before a worker dies."""
REQUESTS_PER_SECOND = 5
"""Few, so that the limit decides how long the campaign takes. One task alone would use it up."""
WINDOW_SECONDS = 10
MOST_IN_A_WINDOW = REQUESTS_PER_SECOND * WINDOW_SECONDS * 1.05
LATENCY_SECONDS = 1.0


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow-celery")
    (home / "dags").mkdir()
    shutil.copy(Path(__file__).parent / "dags" / "sharded_send.py", home / "dags")
    with ExitStack() as running:
        broker = running.enter_context(new_broker())
        database = running.enter_context(new_postgres_database())
        sandbox = running.enter_context(SandboxProcess(home, dict(os.environ), call_seconds=0.2))
        running.callback(broker.forget, f"inforu:rate:{digest([sandbox.url, sandbox.username])}")
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
        stack = CeleryStack(settings, broker, workers=WORKERS, concurrency=CONCURRENCY)
        yield Ground(running.enter_context(stack), sandbox)


def test_when_one_of_two_workers_dies_the_other_ends_the_campaign_and_the_rate_is_kept_throughout(ground):
    campaign = CampaignUnderWay(ground, shards=SHARDS, people=PEOPLE)
    ground.airflow.kill(campaign.wait_for_busy_worker(ground.airflow.workers, CONCURRENCY, SOME))

    total = campaign.end()

    assert total["tasks tried again"] == CONCURRENCY
    most = most_requests_within(WINDOW_SECONDS, ground.sandbox)
    print(f"at most {most} requests in {WINDOW_SECONDS} s; the bound is {MOST_IN_A_WINDOW:g}")
    assert most <= MOST_IN_A_WINDOW
