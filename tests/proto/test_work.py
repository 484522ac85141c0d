"""What an adapter is asked to do, and what it says came of it."""

from typing import get_args

import msgspec
import pytest

from dojo_proto import work


@pytest.mark.parametrize("piece", [*get_args(work.Work), *get_args(work.Outcome)])
def test_each_piece_is_frozen(piece: type[msgspec.Struct]) -> None:
    assert piece.__struct_config__.frozen


@pytest.mark.parametrize("piece", set(get_args(work.Work)) - {work.Note})
def test_each_piece_of_work_names_its_call_first(piece: type[msgspec.Struct]) -> None:
    assert piece.__struct_fields__[0] == "call"
