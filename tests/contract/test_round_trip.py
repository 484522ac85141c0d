"""What is written is read back equal, whatever a type may hold, and nothing of it gets lost."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.instances import Maker

from dojo_proto import contract
from dojo_proto.contract import Shape, decode, encode
from dojo_proto.contract.shape import FrozenShape, is_shape
from dojo_proto.contract.strict import fault

TYPES = [kind for kind in vars(contract).values() if is_shape(kind) and kind is not Shape]

randoms = st.randoms(use_true_random=False)
thoroughly = settings(max_examples=25, derandomize=True, deadline=None, database=None)


def test_there_are_all_types() -> None:
    assert len(TYPES) == 39 + 22  # the vendor's objects, and the params of the methods
    assert all(issubclass(kind, Shape | FrozenShape) for kind in TYPES)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@given(random=randoms)
@thoroughly
def test_it_comes_back_equal(kind: Any, random: Random) -> None:
    value = Maker(random).typed(kind, strict=False)
    again = decode(kind, encode(value))
    assert again == value
    assert type(again) is kind
    assert encode(again) == encode(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@given(random=randoms)
@thoroughly
def test_what_may_be_sent_is_no_fault(kind: Any, random: Random) -> None:
    assert fault(kind, encode(Maker(random).typed(kind, strict=True))) == ""


@given(random=randoms)
@thoroughly
def test_it_may_be_inside_anything(random: Random) -> None:
    order = Maker(random).typed(contract.Order, strict=False)
    alone = msgspec.json.decode(encode(order))
    assert msgspec.json.decode(encode([order, {"deep": (order,)}])) == [alone, {"deep": [alone]}]
