"""Which servers there are, and how each is started."""

import shutil
import sys
from importlib.util import find_spec

from tests.interop.process import ROOT, Command

NODE = ROOT / "tests" / "interop" / "node"
ON_PYTHON = ("websockets", "aiohttp", "uvicorn", "hypercorn")
WS = "ws"
SERVERS = (*ON_PYTHON, WS)
PINGING = ("websockets", "aiohttp", WS)
"""Those that can be told to ping."""
MUTE = ("hypercorn",)
"""Those whose application gets 1006 for the code of a Close frame, whatever was in it."""


def missing(server: str) -> str:
    """What has to be installed for `server` to run, if anything."""
    if server in ON_PYTHON:
        return "" if find_spec(server) else f"{server} is not installed (pip)"
    if shutil.which("node") is None:
        return "node is not installed"
    there = (NODE / "node_modules" / "ws").exists()
    return "" if there else "ws is not installed: npm install --prefix tests/interop/node"


def command(server: str) -> Command:
    """What starts `server`."""
    if server in ON_PYTHON:
        module = f"tests.interop.servers.speaks_{server}"
        return lambda listener: [sys.executable, "-m", module, str(listener.fileno())]
    return on_node("speaks_ws.js")


def on_node(script: str, *more: str) -> Command:
    """What starts a script of Node's."""
    return lambda listener: ["node", str(NODE / script), str(listener.fileno()), *more]
