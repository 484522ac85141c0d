"""How the REST side answers, and how it does so wrongly on purpose. Needs Starlette."""

from http.client import responses
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_HTML = b"<!doctype html><title>Gateway problem</title><h1>Something went wrong</h1>\n"


class RestFault(msgspec.Struct, frozen=True, kw_only=True):
    """How to answer a REST call wrongly; the call is not taken in if `status` is an error.

    `RestFault(status=503, retry_after=7)`, `RestFault(html=True)`, `RestFault(truncated=True)`,
    `RestFault(delay=3)`, and any of it together.
    """

    status: int | None = None
    """In place of what the call would get; None leaves that as it is."""
    retry_after: float | None = None
    """Seconds: the header Retry-After."""
    html: bool = False
    """The body is a web page, as from something on the way."""
    truncated: bool = False
    """The connection ends in the middle of the body."""
    delay: float = 0.0
    """Seconds until the answer begins."""


def answer(value: Any, status: int = 200) -> Response:
    """`value` as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem(status: int, detail: str) -> Response:
    """An error, as problem details (RFC 9457)."""
    body = {"title": responses.get(status, "Error"), "status": status, "detail": detail}
    return Response(msgspec.json.encode(body), status, media_type="application/problem+json")


def spoilt(good: Response, fault: RestFault) -> Response:
    """`good` as `fault` has it; the delay is the caller's."""
    status = good.status_code if fault.status is None else fault.status
    body, media_type = bytes(good.body), good.media_type
    if fault.html:
        body, media_type = _HTML, "text/html"
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    kind = _Truncated if fault.truncated else Response
    return kind(body, status, headers, media_type)


class _Truncated(Response):
    """One that ends in the middle: Content-Length promises more than comes (RFC 9112 section 8)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the head and half of the body; the server then closes the connection."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
