"""An import takes as long as hundreds of requests: none holds up an open connection."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """\
import json
import sys
from tests.proto.wired import Wired

wired = Wired(compression=json.loads(sys.argv[1]))
before = set(sys.modules)
wired.open()
wired.call("GetOrderByIdV1", {"orderId": "table-7"})
wired.call("GetOrderByIdV1", {"orderId": 7})
wired.advance(60)  # pings and pongs
wired.stop()
assert wired.client.status().state == "stopped"
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.mark.parametrize("compression", [False, True])
def test_with_the_client_all_is_imported_that_its_connections_need(compression: bool) -> None:
    command = [sys.executable, "-c", CODE, json.dumps(compression)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.stderr == ""
    assert json.loads(done.stdout) == []
