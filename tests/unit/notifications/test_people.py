import pytest

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.notifications.alert_recipients import read_people

BOTH = {1: "0500000001", 2: "0500000002"}


@pytest.mark.parametrize(
    "written",
    [
        "0500000001,0500000002",
        "050-000-0001; 050-000-0002,",
        "0500000001\n0500000002\n",
        "['0500000001', '0500000002']",
        '["0500000001", "0500000002"]',
        ["0500000001", "0500000002"],
        ("+972500000001", 500000002),
        ["0500000001, 0500000002"],
        "0500000001,0500000002,050-0000001",
    ],
)
def test_phones_are_read_as_people_write_them_and_each_once(written):
    people = read_people(written)
    assert people.phones == BOTH
    assert people.left_out == []


@pytest.mark.parametrize("written", [None, "", " , ", [], [""]])
def test_nobody_is_nobody(written):
    assert read_people(written).phones == {}


@pytest.mark.parametrize("written", [500000001, 972500000001, 972500000001.0])
def test_one_number_is_one_person(written):
    assert read_people(written).phones == {1: "0500000001"}


def test_who_cannot_be_called_is_named_by_place():
    people = read_people(["0500000001", None, "abc", "0500000002"])
    assert list(people.phones) == [1, 4]
    assert people.left_out == ["person 2: the phone is missing", "person 3: the phone has letters in it"]


def test_the_101st_person_is_left_out_and_named():
    people = read_people([f"050{number:07d}" for number in range(102)])
    assert len(people.phones) == 100
    assert people.left_out == [f"person {place}: an alert calls at most 100 people" for place in (101, 102)]


@pytest.mark.parametrize("written", [3.5, {"0500000001": "x"}, b"0500000001", object()])
def test_what_is_no_list_is_refused_without_being_shown(written):
    with pytest.raises(InforuInputError, match="`phones` must be a list or a text") as raised:
        read_people(written)
    assert "0500000001" not in str(raised.value)


def test_no_phone_is_in_the_repr():
    assert "0500000001" not in repr(read_people("0500000001"))
