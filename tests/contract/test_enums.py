"""Enums keep what they do not know, as members like any other that are not remembered."""

import copy
import pickle

import msgspec
import pytest

from dojo_proto import contract
from dojo_proto.contract import LineType, OpenEnum, OrderStatus, OrderType, decode, encode

ENUMS = [
    kind
    for kind in vars(contract).values()
    if isinstance(kind, type) and issubclass(kind, OpenEnum) and kind is not OpenEnum
]


def test_there_are_those_of_the_vendor_and_one_that_it_has_not_named() -> None:
    assert len(ENUMS) == 9 + 1


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_a_members_name_is_its_text_in_capitals(enum: type[OpenEnum]) -> None:
    for member in enum:
        assert member.known
        assert (
            member.name.replace("_", "") == member.value.replace(".", "").replace("_", "").upper()
        )


@pytest.fixture
def unknown() -> OrderStatus:
    return decode(list[OrderStatus], b'["Teleported"]')[0]


def test_an_unknown_text_is_a_member_that_says_so(unknown: OrderStatus) -> None:
    assert isinstance(unknown, OrderStatus)
    assert not unknown.known
    assert (unknown.value, unknown.name, str(unknown)) == ("Teleported",) * 3
    assert repr(unknown) == "<OrderStatus.Teleported: 'Teleported'>"


def test_it_goes_out_as_it_came(unknown: OrderStatus) -> None:
    assert encode([unknown, OrderStatus.NEW]) == b'["Teleported","New"]'


def test_it_equals_its_text_and_every_other_of_that_text(unknown: OrderStatus) -> None:
    assert unknown == "Teleported" == OrderStatus("Teleported")
    assert unknown not in {OrderStatus.NEW, OrderStatus("teleported")}
    assert hash(unknown) == hash(OrderStatus("Teleported"))
    assert OrderStatus("Teleported") == unknown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("text", ["Teleported", "New", ""])
def test_it_is_pickled_and_copied(text: str, protocol: int) -> None:
    status = OrderStatus(text)
    for again in (
        pickle.loads(pickle.dumps(status, protocol)),  # noqa: S301 - made in this line
        copy.copy(status),
        copy.deepcopy(status),
        copy.deepcopy([status])[0],
    ):
        assert again == status
        assert type(again) is OrderStatus
        assert again.known is status.known


def test_it_is_not_remembered() -> None:
    before = len(OrderStatus), len(OrderStatus._value2member_map_), len(OrderStatus._member_map_)
    for number in range(1000):
        decode(list[OrderStatus], b'["unknown %d"]' % number)
    after = len(OrderStatus), len(OrderStatus._value2member_map_), len(OrderStatus._member_map_)
    assert before == after == (10, 10, 10)
    assert OrderStatus("unknown 1") is not OrderStatus("unknown 1")
    assert OrderStatus("New") is OrderStatus.NEW


def test_the_name_of_a_member_is_none_of_its_texts() -> None:
    assert not OrderStatus("NEW").known
    assert OrderStatus("NEW") != OrderStatus.NEW


def test_a_match_finds_known_ones_and_falls_through_for_others() -> None:
    def where(kind: OrderType) -> str:
        match kind:
            case OrderType.DINE_IN:
                return "here"
            case _:
                return f"{kind}, wherever that is"

    assert where(OrderType("DineIn")) == "here"
    assert where(OrderType("Drone")) == "Drone, wherever that is"


@pytest.mark.parametrize("value", [b"1", b"null", b"{}", b"true"])
def test_what_is_no_text_is_no_member(value: bytes) -> None:
    with pytest.raises(msgspec.ValidationError, match="Expected `str`, got"):
        decode(list[LineType], b"[" + value + b"]")
    with pytest.raises(ValueError, match="7 is not a valid LineType"):
        LineType(7)  # type: ignore[arg-type] # what is refused
