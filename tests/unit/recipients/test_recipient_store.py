import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.recipients import recipient_store as stores
from airflow_provider_inforu.recipients.recipient_store import (
    ROWS_IN_A_BLOCK,
    Recipient,
    RecipientStore,
    Skipped,
)
from airflow_provider_inforu.recipients.temporary import TemporaryStoreError

MOST_MEGABYTES = 80
HOLD_PEOPLE = """
import resource, sys
from airflow_provider_inforu.recipients.batches import plan_batches
from airflow_provider_inforu.recipients.recipient_store import Recipient, RecipientStore

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

store = RecipientStore()
before = peak()
for number in range(100_000):
    store.register_key(f"key-{number}")
    store.recipients.append(Recipient(f"key-{number}", f"05{number:08}", f"{number} " + "טקסט " * 400))
batches = plan_batches(store.recipients)
assert len({batch.digest for batch in batches}) == len(batches) == 1000
print(peak() - before)
"""


def filled(count):
    store = RecipientStore()
    for number in range(count):
        store.recipients.append(Recipient(f"k{number}", f"05{number:08}", None))
    return store


texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(
    texts=st.lists(texts, max_size=30), parts=st.lists(st.slices(30), max_size=3), block=st.integers(1, 12)
)
def test_recipients_and_parts_of_them_are_like_lists(texts, parts, block):
    with mock.patch.object(stores, "ROWS_IN_A_BLOCK", block), mock.patch.object(stores, "ROWS_IN_A_READ", 5):
        store = RecipientStore()
        model = [Recipient(f"k{n}", f"05{n:08}", text) for n, text in enumerate(texts)]
        for recipient in model:
            store.recipients.append(recipient)
            store.skipped.append(Skipped(recipient.key, f"not {recipient.text}"))
        assert list(store.skipped) == [Skipped(one.key, f"not {one.text}") for one in model]
        rows = store.recipients
        for part in [slice(part.start, part.stop) for part in parts]:
            rows, model = rows[part], model[part]
        assert (list(rows), len(rows), bool(rows)) == (model, len(model), bool(model))
        assert [rows[place] for place in range(-len(model), len(model))] == model + model
        with pytest.raises(IndexError):
            rows[len(model)]


def test_a_part_with_steps_is_refused():
    with pytest.raises(ValueError, match="must be 1, not 2"):
        filled(3).recipients[::2]


def test_a_full_disk_is_a_clear_error_and_proves_that_nobody_was_called():
    store = filled(ROWS_IN_A_BLOCK - 1)
    store._database.write("PRAGMA max_page_count = 1", ())
    full = r"temporary file \(database or disk is full\)"
    with pytest.raises(TemporaryStoreError, match=full) as raised:
        store.recipients.append(Recipient("last", "0500000000", "x" * 100_000))
    assert raised.value.safe_to_resend


def test_more_rows_than_one_read_come_in_order():
    rows = filled(2500).recipients
    assert [one.key for one in rows] == [f"k{number}" for number in range(2500)]
    assert [one.key for one in rows[990:2010]] == [f"k{number}" for number in range(990, 2010)]


def test_keys_and_phones_are_new_once_and_do_not_meet():
    store = RecipientStore()
    assert [store.register_key("a"), store.register_key("a"), store.register_key("b")] == [True, False, True]
    assert [store.register_phone("a"), store.register_phone("a")] == [True, False]


def test_what_is_not_called_is_kept_apart():
    store = filled(1)
    store.skipped.append(Skipped("row 2", "the phone is missing"))
    assert (len(store.recipients), list(store.skipped)) == (1, [Skipped("row 2", "the phone is missing")])


def test_several_threads_may_read():
    rows = filled(3000).recipients
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda start: [one.key for one in rows[start : start + 100]], range(0, 3000, 100))
    assert list(chain.from_iterable(found)) == [f"k{number}" for number in range(3000)]


def test_memory_does_not_grow_with_the_people():
    """100,000 texts of 2,000 characters would take some 400 MB."""
    grown = subprocess.run([sys.executable, "-c", HOLD_PEOPLE], capture_output=True, text=True, check=True)
    assert int(grown.stdout) < MOST_MEGABYTES
