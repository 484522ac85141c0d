"""Every exception of the library, in one tree.

    DojoError
    ├── ConfigurationError       a wrong setting, handler or EPOS: fix the program or its settings
    ├── AuthenticationError      Dojo refused the API key (401, 403)
    ├── ApiError                 a call of the REST API has failed
    ├── JournalInUse             another service has the journal: there can be only one
    ├── JournalError             a journal could not do a step (in `journal`)
    ├── LocalProtocolError       the caller drove a machine wrongly: a bug in an adapter
    └── DomainError              what a handler raises; it means "certainly not done"
        ├── NotFound             -32004
        ├── Conflict             -32009
        ├── InvalidRequest       -32602
        └── UnexpectedError      -32603

What a peer sends never raises: it becomes an event, an error answer or a close code.
"""

from typing import ClassVar

# JSON-RPC 2.0, section 5.1.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
# JSON-RPC 2.0, section 5.1: -32000 to -32099 are the implementation's own.
NOT_FOUND = -32004
CONFLICT = -32009


class DojoError(Exception):
    """The root of the library's exceptions."""


class ConfigurationError(DojoError, ValueError):
    """A setting, a handler or an EPOS is wrong: the text says which, what came, what it takes."""


class AuthenticationError(DojoError):
    """The gateway, or the REST API, refused the API key.

    `status` is the HTTP status of the answer, 401 or 403.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ApiError(DojoError):
    """A call of the REST API has failed: the text says what was asked, what came, what to do."""


class JournalInUse(DojoError):
    """Another service has the journal: two that share one would both answer. Names its process."""


class LocalProtocolError(DojoError):
    """A machine was driven in a way its state does not allow. Never caused by a peer."""


class DomainError(DojoError):
    """What a handler raises to refuse a request: "certainly not done".

    The text goes to Dojo as `message` and `debugMessage`, so it is for Dojo's support staff and
    must not contain what they may not see.
    """

    code: ClassVar[int] = INTERNAL_ERROR
    error_type: ClassVar[str] = "UnexpectedError"

    @property
    def message(self) -> str:
        """The text, which is made fit for the wire; the name of the error type if there is none."""
        return str(self) or self.error_type


class NotFound(DomainError):
    """There is no such order, table, party or reservation."""

    code = NOT_FOUND
    error_type = "NotFound"


class Conflict(DomainError):
    """The state does not allow it: another lock, a closed order, more paid than is owed."""

    code = CONFLICT
    error_type = "Conflict"


class InvalidRequest(DomainError):
    """The request makes no sense as it is, and would not if it were sent again."""

    code = INVALID_PARAMS
    error_type = "InvalidRequest"


class UnexpectedError(DomainError):
    """It failed for a reason of the EPOS, nothing was done, and a retry may succeed.

    Never remembered: a retry runs the handler again.
    """
