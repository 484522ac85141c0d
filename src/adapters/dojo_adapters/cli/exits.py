"""What the process says when it ends."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of `dojo-epos`."""

    OK = 0
    """Stopped, by a signal; or what was asked for is done."""
    FAILED = 1
    """Anything that has no number of its own."""
    CONFIGURATION = 2
    """No key, no such module, a bad field, no journal, a runtime that is not installed."""
    AUTHENTICATION = 3
    """The gateway refused the API key: 401 or 403."""
    JOURNAL_IN_USE = 4
    """Another service holds the journal."""
    CUT_OFF = 5
    """Stopped while a payment, or anything else that changes the till, was under way."""


HELP = """\
exit codes:
  0  stopped, by a signal
  1  anything else that went wrong
  2  wrong configuration: no key, no such module, a bad field, no journal,
     a runtime that is not installed
  3  the gateway refused the API key (401, 403)
  4  another service holds the journal
  5  stopped, by a second signal or because it took too long, while a payment was
     under way, or anything else that changes the till: whether it was done is open
"""
