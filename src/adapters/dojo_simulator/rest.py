"""The REST side of the local gateway: registration, events, and the tester API. Needs Starlette.

An EPOS finds it at `url` in place of https://api.dojo.tech. What it cannot accept is refused with
problem details (RFC 9457). It is for this machine alone: a browser's pages cannot use it.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dojo_simulator.errors import NoSuchFlow, SimulatorError
from dojo_simulator.events import Notified, Registered, RestRefused
from dojo_simulator.flows import Flows
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.loop import PATIENCE, Looped, LoopThread
from dojo_simulator.registry import Account, ReceivedCall
from dojo_simulator.rest_answers import RestFault, answer, problem, spoilt
from dojo_simulator.rest_requests import (
    FlowRequest,
    Refused,
    account_of,
    capabilities_of,
    decode,
    event_of,
    expect_json,
    integration,
)

__all__ = ["RestApi", "RestFault"]

_Answer = Callable[[Account, bytes], Response]
_Endpoint = Callable[[Request], Awaitable[Response]]


class RestApi(Looped):
    """Serves REST for `gateway`, in a thread of its own. A context manager.

    What comes in goes to `gateway.registry`, and flows are played over the gateway's socket. `port`
    0 takes a free one. Raises OSError if it cannot listen.
    """

    def __init__(self, gateway: LocalGateway, port: int = 0, *, host: str = "127.0.0.1") -> None:
        super().__init__(LoopThread("the REST side"))
        self.host = host
        self.port = port
        """Once it has started, never 0."""
        self.flows = Flows(gateway)
        """The flows that were started, over REST or by hand."""
        self._gateway = gateway
        self._faults: deque[RestFault] = deque()
        self._uvicorn: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._leaving = asyncio.Event()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, an EPOS's `api_url`."""
        return f"http://{self.host}:{self.port}"

    def answer_next(self, fault: RestFault, n: int = 1) -> None:
        """Answer the next `n` calls of an EPOS as `fault` says; the tester API has no faults."""
        self._faults.extend([fault] * n)

    # The server.

    async def _listen(self) -> None:
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._application(),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[listener]))

    def _leave(self) -> None:
        self._loop.run(self._stop(), PATIENCE)

    async def _stop(self) -> None:
        self._leaving.set()
        if self._uvicorn is not None and self._serving is not None:
            self._uvicorn.should_exit = True
            await self._serving

    def _application(self) -> Starlette:
        hosts = [self.host, "localhost"]  # against DNS rebinding: a page's own host is another
        return Starlette(
            routes=[
                Route("/epos/integrations/ws", self._epos(self._read), methods=["GET"]),
                Route("/epos/integrations/ws", self._epos(self._register), methods=["PUT"]),
                Route("/epos/integrations", self._epos(self._list), methods=["GET"]),
                Route("/epos/events", self._epos(self._notify), methods=["POST"]),
                Route("/flows", _judged(self._list_flows), methods=["GET"]),
                Route("/flows", _judged(self._start_flow), methods=["POST"]),
                Route("/flows/{id}", _judged(self._read_flow), methods=["GET"]),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        )

    # What an EPOS calls.

    def _epos(self, endpoint: _Answer) -> _Endpoint:
        async def call(request: Request) -> Response:
            fault = self._faults.popleft() if self._faults else RestFault()
            body = await request.body()
            good = self._judge(request, body, endpoint, fault)
            response = spoilt(good, fault)
            self._gateway.registry.note(
                ReceivedCall(
                    method=request.method,
                    path=request.url.path,
                    headers=dict(request.headers),
                    body=body,
                    status=response.status_code,
                )
            )
            if fault.delay:
                await self._pause(fault.delay)
            return response

        return call

    def _judge(
        self, request: Request, body: bytes, endpoint: _Answer, fault: RestFault
    ) -> Response:
        if fault.status is not None and fault.status >= 400:
            return self._refuse(request, fault.status, "the simulator was told to refuse this")
        try:
            account = account_of(request.headers)
            if request.method != "GET":
                expect_json(request.headers)
            return endpoint(account, body)
        except Refused as refused:
            return self._refuse(request, refused.status, str(refused))

    def _refuse(self, request: Request, status: int, reason: str) -> Response:
        refused = RestRefused(
            method=request.method, path=request.url.path, status=status, reason=reason
        )
        self._gateway.tell(refused)
        return problem(status, reason)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return

    def _read(self, account: Account, _body: bytes) -> Response:
        registration = self._gateway.registry.registration(account)
        return answer([] if registration is None else [integration(registration)])

    def _list(self, account: Account, _body: bytes) -> Response:
        registration = self._gateway.registry.registration(account)
        listed = [] if registration is None else [integration(registration)]
        return answer({"wsIntegrations": listed, "restIntegrations": []})

    def _register(self, account: Account, body: bytes) -> Response:
        registry = self._gateway.registry
        made = registry.register(account, capabilities_of(body, registry.known))
        self._gateway.tell(
            Registered(software_house_id=account.software_house_id, capabilities=made.names)
        )
        return answer(integration(made))

    def _notify(self, account: Account, body: bytes) -> Response:
        told = self._gateway.registry.notify(account, *event_of(body))
        self._gateway.tell(
            Notified(
                software_house_id=account.software_house_id,
                event_type=told.event_type,
                id=told.id,
            )
        )
        return answer({})

    # The tester API.

    async def _list_flows(self, _request: Request) -> Response:
        return answer(self.flows.known)

    async def _start_flow(self, request: Request) -> Response:
        expect_json(request.headers)
        asked = decode(FlowRequest, await request.body())
        return answer({"flowID": self.flows.start(asked.flow, asked.params)}, 201)

    async def _read_flow(self, request: Request) -> Response:
        return answer(self.flows.result(request.path_params["id"]))


def _judged(endpoint: _Endpoint) -> _Endpoint:
    """`endpoint`, and what it raises made an answer."""

    async def call(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refused:
            return problem(refused.status, str(refused))
        except NoSuchFlow as error:
            return problem(404, str(error))
        except SimulatorError as error:
            return problem(400, str(error))

    return call
