"""A registrar with the time and the answers that a test gives it."""

import json
from typing import Any

from dojo_proto import Settings
from dojo_proto.events import Event
from dojo_proto.registrar import Registrar
from dojo_proto.rest import Answer, Failure, RestOutcome, RestRequest

SERVED = ("GetOrderBillById", "SearchOrders")
DONE = Answer(url="https://api.example", body=b"")
LATER = Failure(reason="not now", status=503)
NEVER = Failure(reason="not so", status=400, passing=False)
REFUSED = Failure(reason="not with this key", status=401, passing=False)


def listed(*names: str, version: str = "v1") -> Answer:
    capabilities = [{"name": name, "version": version} for name in names]
    return Answer(
        url="https://api.example", body=json.dumps([{"capabilities": capabilities}]).encode()
    )


class Dojo:
    """A registrar, the time, and what comes of it."""

    def __init__(self, **fields: Any) -> None:
        self.now = 100.0
        self.events: list[Event] = []
        chosen = {"api_key": "sk_sandbox_1", "jitter": 0, **fields}
        self.registrar = Registrar(Settings(**chosen), uniform=lambda: 0.0, emit=self.events.append)

    def next(self) -> str:
        """What is to be sent now, as "METHOD path" and the id of a notice; "" for nothing."""
        request = self.registrar.next_request(self.now)
        return "" if request is None else said(request)

    def answer(self, outcome: RestOutcome) -> None:
        self.registrar.ended(outcome, self.now)

    def play(self, outcome: RestOutcome) -> str:
        """What is to be sent now, answered with `outcome`."""
        sent = self.next()
        assert sent
        self.answer(outcome)
        return sent

    def wait(self) -> float:
        """Go on to the next timer; how long that took."""
        timer = self.registrar.next_timer()
        assert timer is not None
        waited, self.now = timer - self.now, timer
        self.registrar.handle_timer(self.now)
        return waited


def said(request: RestRequest) -> str:
    text = f"{request.method} {request.path}"
    if request.method == "POST":
        event: dict[str, str] = json.loads(request.body)["event"]
        text += f" {' '.join(event.values())}"
    return text


READ, WRITE = "GET /epos/integrations/ws", "PUT /epos/integrations/ws"


def told(id_: str) -> str:
    return f"POST /epos/events {id_}"
