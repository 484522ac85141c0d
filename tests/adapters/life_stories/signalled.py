"""A program that serves until it is told to stop: `signalled.py RUNTIME URL`.

The payment's handler says `paying` and then waits for a byte on the standard input.
"""

import os
import sys
from importlib import import_module
from typing import Any

from dojo_proto import Context, Epos, Settings

epos = Epos("acme-epos")


@epos.on("RecordOrderPaymentById")
def pay(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    print("paying", flush=True)
    os.read(0, 1)
    return {
        "id": params["orderId"],
        "status": "Accepted",
        "details": {"orderType": "DineIn", "dineIn": {"tableId": "7"}},
    }


@epos.on("SearchOrders")
def search(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
    return {"data": []}


def main(runtime: str, url: str) -> None:
    settings = Settings(api_key="sk_sandbox_c4nary", url=url, drain_timeout=600)
    name, _, backend = runtime.partition("-")
    options: dict[str, Any] = {"backend": backend} if backend else {}
    if name == "uvloop":
        name, options = "asyncio", {"loop_factory": import_module("uvloop").new_event_loop}
    import_module(f"dojo_adapters.{name}").run(epos, settings, journal="memory:", **options)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
