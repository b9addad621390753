"""The event trigger in a real event loop, with the store of an asset's state in memory."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.triggers import events, shared
from airflow_provider_inforu.triggers.events import InforuCallEventTrigger
from tests.receiver import end_of_call
from tests.scripted_server import reset, scripted_server

SEND = "0123456789abcdef"


class StateOfAsset:
    """What Airflow gives an event trigger from 3.3 on."""

    def __init__(self):
        self.kept = {}
        self.failures = []

    async def aget(self, key, default=None):
        if self.failures:
            raise self.failures.pop()
        return self.kept.get(key, default)

    async def aset(self, key, value):
        if self.failures:
            raise self.failures.pop()
        self.kept[key] = value


@pytest.fixture(autouse=True)
def no_hooks_of_other_tests(monkeypatch):
    monkeypatch.setattr(shared.shared_hooks, "_entries", {})


@pytest.fixture
def feed(connection, receiver):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    return Feed(receiver)


class Feed:
    """The feed of a real receiver."""

    def __init__(self, receiver):
        self.receiver = receiver

    def push(self, *keys, send_id=SEND, **fields):
        items = [end_of_call(f"{send_id}-{key}", **{"digit": "1"} | fields) for key in keys]
        assert self.receiver.push(items).ok


@pytest.fixture
def server(connection):
    with scripted_server() as running:
        connection(receiver_url=running.url, notification_secret="secret-of-notifications")
        yield running


def page(*keys, after):
    events = [{"send_id": SEND, "key": key, "status": "Answered"} for key in keys]
    return 200, {"notifications": events, "next": str(after)}


def trigger_of(store=None, **kwargs):
    trigger = InforuCallEventTrigger(poll_interval=0.02, **kwargs)
    trigger.asset_state_store = store or StateOfAsset()
    return trigger


async def until(condition):
    """Return when something has happened that no event tells of."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)


class Running:
    """A trigger that runs, and the payloads of its events."""

    def __init__(self, trigger):
        self._kept = trigger.asset_state_store.kept if trigger.asset_state_store else {}
        self._kept_before = len(self._kept)
        self._events = trigger.run()
        self._next = asyncio.ensure_future(anext(self._events))

    async def begun(self):
        """Return when the trigger knows where to begin."""
        await until(lambda: len(self._kept) > self._kept_before)
        return self

    async def event(self):
        payload = (await self._next).payload
        self._next = asyncio.ensure_future(anext(self._events))
        return payload

    async def stop(self):
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def keys(payload):
    return [call["key"] for call in payload["calls"]]


def test_it_is_an_event_trigger_whose_arguments_are_plain_json_and_the_same_for_the_same():
    trigger = trigger_of(send_id=SEND, status=["NoAnswer", "Busy", "Busy"])
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_inforu.triggers.events.InforuCallEventTrigger"
    assert arguments["status"] == ["Busy", "NoAnswer"]
    again = InforuCallEventTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    assert BaseEventTrigger.hash(path, arguments) == BaseEventTrigger.hash(*again.serialize())
    assert trigger_of(status="Busy").serialize()[1]["status"] == ["Busy"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"status": []}, "`status` is an empty list, so no outcome would fire"),
        ({"status": ()}, "`status` is an empty list, so no outcome would fire"),
        ({"poll_interval": 0}, "poll_interval must be a number of seconds above 0, not 0"),
    ],
)
def test_an_argument_with_which_it_would_never_fire_is_refused(arguments, words):
    with pytest.raises(InforuInputError, match=words):
        InforuCallEventTrigger(**arguments)


def test_a_place_before_the_kept_one_is_taken(server):
    server.answer(page(after=3), page("k1", after=1), page("k2", after=2), page(after=2))
    store = StateOfAsset()
    store.kept = {trigger_of()._place(): "7"}

    async def story():
        running = Running(trigger_of(store))
        payloads = [await running.event() for _ in range(2)]
        await running.stop()
        return [keys(payload) for payload in payloads]

    assert run(story()) == [["k1"], ["k2"]]
    asked = [parse_qs(urlsplit(path).query)["after"] for path, _ in server.requests]
    assert asked[:3] == [["7"], ["3"], ["1"]]


def test_an_asset_takes_it_as_a_watcher():
    watcher = AssetWatcher(name="calls", trigger=InforuCallEventTrigger())
    assert Asset("calls", watchers=[watcher]).watchers == [watcher]


def test_what_arrives_is_one_event_of_counts_and_keys(feed):
    async def story():
        feed.push("before")
        running = await Running(trigger_of()).begun()
        feed.push("k1", "k2")
        payload = await running.event()
        await running.stop()
        return payload

    payload = run(story())
    assert payload["inforu_conn_id"] == "inforu_default"
    assert (payload["notifications"], payload["by_status"], payload["by_digit"]) == (
        2,
        {"Answered": 2},
        {"1": 2},
    )
    assert (payload["sends"], keys(payload)) == ({SEND: 2}, ["k1", "k2"])
    assert json.loads(json.dumps(payload)) == payload


def test_each_arrival_is_in_one_event_while_it_runs(feed):
    async def story():
        running = await Running(trigger_of()).begun()
        seen = []
        for number in range(5):
            feed.push(f"k{number}")
            seen += keys(await running.event())
        await running.stop()
        return seen

    assert run(story()) == [f"k{number}" for number in range(5)]


def test_only_what_is_asked_for_fires(feed):
    async def story():
        running = await Running(trigger_of(send_id=SEND, status="NoAnswer")).begun()
        feed.push("k1", status="Answered")
        feed.push("k2", status="NoAnswer", send_id="f" * 16)
        feed.push("k3", status="NoAnswer")
        payload = await running.event()
        await running.stop()
        return payload

    assert keys(run(story())) == ["k3"]


def test_a_backlog_comes_in_events_of_a_thousand(feed, monkeypatch):
    monkeypatch.setattr(events, "_BACKLOG_PAUSE_SECONDS", 0.01)

    async def story():
        running = await Running(trigger_of()).begun()
        feed.push(*(f"k{number}" for number in range(2500)))
        counts = []
        while sum(counts) < 2500:
            counts.append((await running.event())["notifications"])
        await running.stop()
        return counts

    counts = run(story())
    assert sum(counts) == 2500
    assert max(counts) == 1000


def test_after_a_restart_it_goes_on_at_the_kept_place(feed, monkeypatch):
    monkeypatch.setattr(events, "SETTLED_SECONDS", 0.0)
    store = StateOfAsset()

    async def story():
        running = await Running(trigger_of(store)).begun()
        feed.push("k1")
        first = keys(await running.event())
        await until(lambda: list(store.kept.values()) != ["0"])
        await running.stop()
        feed.push("k2", "k3")
        restarted = Running(trigger_of(store))
        second = keys(await restarted.event())
        await restarted.stop()
        return first, second

    assert run(story()) == (["k1"], ["k2", "k3"])


def test_an_event_that_airflow_may_not_have_stored_comes_again_after_a_restart(feed):
    store = StateOfAsset()

    async def story():
        running = await Running(trigger_of(store)).begun()
        feed.push("k1")
        first = keys(await running.event())
        await asyncio.sleep(0.2)  # it looks some times more
        await running.stop()
        restarted = Running(trigger_of(store))
        second = keys(await restarted.event())
        await restarted.stop()
        return first, second

    assert run(story()) == (["k1"], ["k1"])


def test_what_arrives_between_the_start_and_the_first_event_is_kept_over_a_restart(feed):
    store = StateOfAsset()

    async def story():
        await (await Running(trigger_of(store)).begun()).stop()
        feed.push("k1")
        restarted = Running(trigger_of(store))
        payload = await restarted.event()
        await restarted.stop()
        return payload

    assert keys(run(story())) == ["k1"]


@pytest.mark.usefixtures("feed")
def test_triggers_with_other_filters_keep_places_of_their_own():
    store = StateOfAsset()

    async def story():
        for trigger in (trigger_of(store), trigger_of(store, status="Busy")):
            await (await Running(trigger).begun()).stop()

    run(story())
    assert len(store.kept) == 2


def test_a_state_that_cannot_be_read_is_waited_for_and_nothing_is_skipped(feed, capsys):
    store = StateOfAsset()

    async def story():
        await (await Running(trigger_of(store)).begun()).stop()
        feed.push("k1")
        store.failures = [RuntimeError("no database"), RuntimeError("no database")]
        restarted = Running(trigger_of(store))
        payload = await restarted.event()
        await restarted.stop()
        return payload

    assert keys(run(story())) == ["k1"]
    assert (
        "the asset's state could not be read (RuntimeError). The trigger tries again"
        in capsys.readouterr().out
    )


def test_a_place_that_cannot_be_kept_does_not_stop_it(feed, monkeypatch, capsys):
    monkeypatch.setattr(events, "SETTLED_SECONDS", 0.0)
    store = StateOfAsset()

    async def story():
        running = await Running(trigger_of(store)).begun()
        store.failures = [RuntimeError("no database")]
        feed.push("k1")
        first = keys(await running.event())
        feed.push("k2")
        second = keys(await running.event())
        await until(lambda: not store.failures)
        await running.stop()
        return first + second

    assert run(story()) == ["k1", "k2"]
    assert "could not be stored (RuntimeError)" in capsys.readouterr().out


def test_a_trigger_for_several_assets_says_that_its_place_is_not_kept(server, capsys):
    server.answer(page(after=7), page("k8", after=8), page(after=8))
    store = StateOfAsset()
    store.failures = [ValueError("2 assets")]

    async def story():
        running = Running(trigger_of(store))
        payload = await running.event()
        await running.stop()
        return payload

    assert keys(run(story())) == ["k8"]
    assert store.kept == {}
    assert "several assets share this trigger" in capsys.readouterr().out


def test_a_receiver_that_is_away_or_refuses_is_asked_until_it_answers_and_complained_of_once(server, capsys):
    server.answer(
        page(after=0), (503, b""), (503, b""), (401, b""), (401, b""), page("k1", after=1), page(after=1)
    )

    async def story():
        running = Running(trigger_of())
        payload = await running.event()
        await running.stop()
        return payload

    assert keys(run(story())) == ["k1"]
    said = capsys.readouterr().out
    assert said.count("answered HTTP 503") == 1
    assert said.count("Correct this") == 1
    assert said.count("outcomes of calls can be read again") == 1
    assert "secret-of-notifications" not in said


def test_a_receiver_that_is_away_at_the_start_is_waited_for(server):
    server.answer((503, b""), reset, page(after=0), page("k1", after=1), page(after=1))

    async def story():
        running = Running(trigger_of())
        payload = await running.event()
        await running.stop()
        return payload

    assert keys(run(story())) == ["k1"]


def test_before_airflow_3_3_it_begins_with_what_arrives_after_it_has_started(server):
    server.answer(page(after=7), page("k8", after=8), page(after=8))

    async def story():
        trigger = InforuCallEventTrigger(poll_interval=0.02)
        running = Running(trigger)
        payload = await running.event()
        await running.stop()
        return payload

    assert keys(run(story())) == ["k8"]
    assert ["after=latest" in path for path, _ in server.requests[:2]] == [True, False]
