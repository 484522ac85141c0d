"""What a handler knows of the request it answers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dojo_proto.context import Context
from dojo_proto.contract import RequestHeaders


def context(**given: Any) -> Context:
    return Context(**{"method": "GetOrderByIdV1", "raw_id": b'"1"', "raw_params": b"{}", **given})


@pytest.mark.parametrize(
    ("came", "seen"),
    [
        (b'"a-1"', "a-1"),
        (b'"\\u00e9"', "\u00e9"),
        (b"7", 7),
        (b"7.5", 7.5),
        (b"null", None),
        (None, None),
        (b"1e999", "1e999"),
    ],
)
def test_the_request_id(came: bytes | None, seen: object) -> None:
    assert context(raw_id=came).request_id == seen


def test_received_at_is_aware_and_in_utc() -> None:
    assert context(raw_received_at=86400.5).received_at == datetime(
        1970, 1, 2, 0, 0, 0, 500000, tzinfo=UTC
    )


def test_headers() -> None:
    params = (
        b'{"orderId":"o","headers":{"waiterId":"w","dojoRequestingProduct":"p",'
        b'"deviceId":"d","deviceType":"t","new":1}}'
    )
    expected = RequestHeaders(
        waiter_id="w", dojo_requesting_product="p", device_id="d", device_type="t"
    )
    ctx = context(raw_params=params)
    assert ctx.headers == expected
    assert ctx.headers is ctx.headers


@pytest.mark.parametrize(
    "params",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"headers":null}',
        b'{"headers":[]}',
        b'{"headers":{}}',
        b'{"headers":{"waiterId":5}}',
        b'{"headers":{"waiterId":1e999}}',
    ],
)
def test_headers_may_be_missing_or_nonsense(params: bytes) -> None:
    assert context(raw_params=params).headers == RequestHeaders()


def test_nothing_else_in_the_params_stands_in_the_way_of_the_headers() -> None:
    params = b'{"new":1e999,"headers":{"waiterId":"w"}}'
    assert context(raw_params=params).headers.waiter_id == "w"


def test_the_rest_is_as_given() -> None:
    state = object()
    ctx = context(state=state, idempotency_key="k", redelivered=True)
    assert ctx.state is state
    assert (ctx.method, ctx.idempotency_key, ctx.redelivered) == ("GetOrderByIdV1", "k", True)


def test_its_text_shows_no_params_and_no_ids() -> None:
    assert repr(context(raw_params=b'{"name":"Ada"}', state="secret")) == (
        "Context(method='GetOrderByIdV1', redelivered=False)"
    )
    shown = [("method", "GetOrderByIdV1"), ("redelivered", False)]
    assert context(raw_params=b'{"name":"Ada"}', state="secret").__rich_repr__() == shown
