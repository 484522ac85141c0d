"""nginx as a reverse proxy that terminates TLS in front of a gateway."""

import shutil
import socket
from pathlib import Path
from signal import SIGHUP, SIGTERM

from tests.interop.process import Process

PATIENT = "/epos"
"""A path on which a connection may idle for a minute."""
BRIEF = "/brief"
"""A path on which it may idle for BRIEFLY."""
BRIEFLY = 1.0
"""Seconds; a whole number of milliseconds."""
NOBODY = "/nobody"
"""A path behind which no gateway listens."""

# HTTP/2 is on, and comes first if a client offers it. A worker that a reload has replaced ends the
# connections that it still has after `worker_shutdown_timeout`.
_CONFIGURATION = """
daemon off;
worker_processes 1;
worker_shutdown_timeout 100ms;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location {patient} {{
            proxy_pass http://127.0.0.1:{upstream};
        }}
        location {brief} {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_read_timeout {milliseconds:.0f}ms;
            proxy_send_timeout {milliseconds:.0f}ms;
        }}
        location {nobody} {{
            proxy_pass http://127.0.0.1:1;
        }}
    }}
}}
"""


class Nginx(Process):
    """nginx in front of the gateway that listens on the port `upstream` of this machine.

    It keeps everything in the folder of `certificate`, a file with a key and its certificate.
    """

    def __init__(self, program: str, certificate: Path, upstream: int) -> None:
        home = certificate.parent

        def command(listener: socket.socket) -> list[str]:
            configuration = _CONFIGURATION.format(
                port=listener.getsockname()[1],
                upstream=upstream,
                certificate=certificate,
                patient=PATIENT,
                brief=BRIEF,
                nobody=NOBODY,
                milliseconds=BRIEFLY * 1000,
            )
            (home / "nginx.conf").write_text(configuration)
            # NGINX names the sockets that a former nginx has left to this one.
            inherited = f"NGINX={listener.fileno()};"
            return ["env", inherited, program, "-p", str(home), "-c", "nginx.conf", "-e", "stderr"]

        super().__init__(command)
        self.url = f"wss://127.0.0.1:{self.port}"
        """Without a path."""

    def reload(self) -> None:
        """Have it begin to read its configuration anew and to replace its worker."""
        self.process.send_signal(SIGHUP)

    def end(self) -> None:
        self.process.send_signal(SIGTERM)


def find_nginx() -> str | None:
    """Where nginx is, if it is installed; not everybody has its folder in PATH."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
