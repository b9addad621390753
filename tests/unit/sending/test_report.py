import re
from dataclasses import replace

import pytest

from airflow_provider_inforu.ledger.batch_state import BatchRecord, BatchState
from airflow_provider_inforu.ledger.changes import describe_change
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.recipients.batches import plan_batches, sum_checksums
from airflow_provider_inforu.recipients.fingerprints import checksum
from airflow_provider_inforu.recipients.recipient_store import Recipient
from airflow_provider_inforu.sending.report import (
    LONGEST_ERROR,
    describe_counts,
    join_error,
    lines_of_people,
    list_ranges,
)
from airflow_provider_inforu.sending.result import SendResult

IN_DOUBT = BatchRecord(BatchState.SUBMITTING, "d")


def result_of(people, record=IN_DOUBT, key="k{}"):
    batches = plan_batches([Recipient(key.format(number), "0500000001", "hi") for number in range(people)])
    header = Header("5e4d", "options_digest", len(batches), people, 0)
    return SendResult(header, {one.number: record for one in batches}, lambda n: batches[n - 1].keys)


def test_everybody_in_doubt_is_named_in_the_log_however_many_they_are():
    result = result_of(3200)
    assert "3200 are in doubt" in describe_counts(result, see="see the log")
    said = "\n".join(lines_of_people(result, result.in_doubt))
    assert {f"k{number}" for number in range(3200)} <= set(re.findall(r"k\d+", said))


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (BatchRecord(BatchState.ACCEPTED, "d"), "1 recipient was accepted"),
        (IN_DOUBT, "0 recipients were accepted. 1 is in doubt (unknown if called): key k0 (batch 1)"),
        (
            BatchRecord(BatchState.REJECTED, "d", reason="no"),
            "0 recipients were accepted. 1 was rejected (no): key k0",
        ),
    ],
)
def test_one_recipient_is_described_in_the_singular(record, text):
    assert describe_counts(result_of(1, record), see="see the log") == text


def test_nobody_in_doubt_makes_no_line():
    assert list(lines_of_people(result_of(0), [])) == []


def test_an_error_is_short_however_many_people_it_is_about_and_says_where_all_are():
    result = result_of(3200, key="customer-of-a-long-name-{}7")
    text = join_error("Do this", describe_counts(result, see="see the report at /reports/a.csv"))
    assert len(text) <= LONGEST_ERROR
    assert text.startswith("Do this. 0 recipients were accepted. 3200 are in doubt")
    assert "see the report at /reports/a.csv (batches 1-32)" in text


def test_reasons_of_the_vendor_do_not_make_an_error_long():
    records = {n: BatchRecord(BatchState.REJECTED, "d", reason=f"{n} " + "x" * 300) for n in range(1, 33)}
    result = replace(result_of(3200), records=records)
    text = join_error(describe_counts(result, see="see the log"))
    assert len(text) <= LONGEST_ERROR
    assert "3000 were rejected for other reasons" in text


def test_a_batch_whose_keys_are_not_known_is_named_by_its_number_and_rows():
    result = replace(result_of(250), read_keys=lambda _: None)
    *_, last = lines_of_people(result, result.in_doubt)
    assert last.startswith("batch 3 (recipients 201-250 in the order of the rows")


@pytest.mark.parametrize(
    ("names", "ranges"),
    [
        (["1", "2", "3", "305"], "1-3, 305"),
        (["k9", "k10", "k11", "x1"], "k9 to k11, x1"),
        (["a", "b"], "a, b"),
        (["3", "2"], "3, 2"),
        ([], ""),
    ],
)
def test_consecutive_keys_are_ranges(names, ranges):
    assert list_ranges(names) == ranges


PEOPLE = [Recipient(f"k{n}", f"05000000{n:02}", f"hi {n}") for n in range(3)]


def header_of(people, skipped=()):
    batches = plan_batches(people)
    checksums = [*sum_checksums(batches), checksum(skipped)]
    return Header("5e4d", "p", len(batches), len(people), 0, skipped=len(skipped), checksums=checksums)


@pytest.mark.parametrize(
    ("people", "skipped", "words"),
    [
        ([*PEOPLE, Recipient("x", "0500000009", "hi")], (), "rows were added: 3 before, 4 now"),
        (PEOPLE[:2], (), "rows were removed: 3 before, 2 now"),
        (PEOPLE[::-1], (), "rows are the same.* order$"),
        ([replace(PEOPLE[0], text="other"), *PEOPLE[1:]], (), "keys are the same.* texts differ.*`message`"),
        ([replace(PEOPLE[0], phone="0500000077"), *PEOPLE[1:]], (), "keys are the same.* phones differ$"),
        ([replace(PEOPLE[0], key="other"), *PEOPLE[1:]], (), "number of rows is the same.* keys differ$"),
        (PEOPLE[:2], ("k2",), "rows were removed: 3 before, 2 now; rows skipped: 0 before, 1 now"),
    ],
)
def test_the_change_of_recipients_is_said_in_words(people, skipped, words):
    assert re.search(words, describe_change(header_of(PEOPLE), header_of(people, skipped)))
