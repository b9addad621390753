"""Every place in a shared rate limit and the time from which it counts, as the Redis server knows it."""

import threading
from contextlib import contextmanager

LOOK_SECONDS = 0.3
"""The server forgets a place after two seconds."""


@contextmanager
def watched_places(server, key):
    """Give what returns the seconds from which places counted since the start."""
    taken = {}
    is_over = threading.Event()

    def watch():
        while not is_over.wait(LOOK_SECONDS):
            taken.update(server.zrange(key, 0, -1, withscores=True))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: [milliseconds / 1000 for milliseconds in taken.values()]
    finally:
        is_over.set()
        watcher.join()


def most_within(seconds, times):
    """Return how many of these times lie in any so many seconds, at most."""
    return max(sum(start <= one < start + seconds for one in times) for start in times)
