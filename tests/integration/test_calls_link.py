"""The link "Inforu calls" of task instances, read through Airflow's REST API and followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.ground import ON_SQLITE
from tests.integration.links import TITLES, follow_links, start_linked_run

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = [pytest.mark.integration, ON_SQLITE]


def test_a_running_a_deferred_a_failed_and_a_mapped_task_link_to_their_own_sends(
    fresh_ground: Ground,
) -> None:
    with start_linked_run(fresh_ground) as run_id:
        assert follow_links(fresh_ground, run_id) == TITLES
