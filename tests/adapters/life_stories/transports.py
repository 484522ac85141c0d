"""For stories that are told over every transport, and not over TCP alone."""

import pytest

over_every_transport = pytest.mark.parametrize("transport", ["tcp", "tls", "proxy"], indirect=True)
"""`tls` is TLS with a certificate of a private authority; `proxy` the same through a CONNECT."""
