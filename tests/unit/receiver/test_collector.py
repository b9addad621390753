import gc

import pytest

from airflow_provider_inforu.receiver import push_parser
from airflow_provider_inforu.receiver.collector import pausing_collector
from tests.unit.receiver.test_hostile_bodies import read


def test_the_collector_pauses_while_a_push_is_read_and_goes_on_after_it(monkeypatch):
    seen = []
    parse = push_parser.parse_push
    monkeypatch.setattr(
        push_parser, "parse_push", lambda *given: seen.append(gc.isenabled()) or parse(*given)
    )
    read(b"[]")
    assert (seen, gc.isenabled()) == ([False], True)


def test_the_collector_goes_on_after_an_error():
    with pytest.raises(ZeroDivisionError), pausing_collector():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with pausing_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
