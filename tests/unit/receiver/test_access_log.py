import logging

from uvicorn.logging import AccessFormatter

from airflow_provider_inforu.receiver.access_log import ACCESS_LOGGER, hide_queries


def written(path, monkeypatch):
    """Return what uvicorn writes of a request for this path."""
    lines = []
    handler = logging.Handler()
    formatter = AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False)
    handler.emit = lambda record: lines.append(formatter.format(record))
    logger = logging.getLogger(ACCESS_LOGGER)
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "filters", [])
    hide_queries()
    hide_queries()
    assert len(logger.filters) == 1
    logger.info('%s - "%s %s HTTP/%s" %d', "192.0.2.1:5", "POST", path, "1.1", 200)
    (line,) = lines
    return line


def test_no_query_reaches_uvicorns_access_log(monkeypatch):
    line = written("/inforu/v1/c/notifications?secret=soda&x=a?b", monkeypatch)
    assert "POST /inforu/v1/c/notifications?*** HTTP/1.1" in line
    assert "soda" not in line


def test_a_path_without_a_query_is_written_as_it_is(monkeypatch):
    assert "POST /inforu/v1/c/notifications HTTP/1.1" in written("/inforu/v1/c/notifications", monkeypatch)
