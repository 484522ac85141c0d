"""One process at a time serves a journal: an exclusive lock that the kernel releases.

It lies on a file of its own beside the journal, since SQLite locks the journal's file itself, and
closing any descriptor of that would drop SQLite's locks (POSIX advisory locking).
"""

import os
import sys
from pathlib import Path

from dojo_proto.errors import JournalInUse

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Far behind the text, since a locked byte cannot be read by others on this system.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class ServingLock:
    """Held from when it is made until `release`, or until the process is gone in whatever way.

    `journal` is the journal's path. Raises JournalInUse, with the process that holds it, if another
    service has it, also one of this process; OSError if the file beside it cannot be made.
    """

    def __init__(self, journal: Path) -> None:
        path = journal.with_name(f"{journal.name}.serving")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(journal)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _take(self, journal: Path) -> None:
        try:
            _lock(self._descriptor)
        except (BlockingIOError, PermissionError):
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            raise JournalInUse(
                f"another service holds the journal {journal}: process {holder or 'unknown'}. Two "
                "that share one would both answer; stop that one first, or name another journal"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others serve. The file stays: one that is removed could be locked twice."""
        os.close(self._descriptor)
