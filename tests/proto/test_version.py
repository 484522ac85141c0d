"""One version, wherever it is asked for."""

from importlib.metadata import version

import dojo_proto
from dojo_proto.version import __version__


def test_the_version_is_that_of_the_installed_distribution() -> None:
    assert __version__ == version("dojo-proto")


def test_the_package_tells_it() -> None:
    assert dojo_proto.__version__ == __version__


def test_every_public_name_is_there_once_and_in_order() -> None:
    names = dojo_proto.__all__
    assert sorted(set(names)) == names
    assert [name for name in names if not hasattr(dojo_proto, name)] == []
