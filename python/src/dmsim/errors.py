"""What can go wrong, each with the text that a user needs to put it right."""

from __future__ import annotations


class DmsimError(Exception):
    """The base of all errors of this package."""


class BinaryNotFound(DmsimError):
    """The program `dmsim` was not found, or what was named is not a program."""


class FolderError(DmsimError):
    """A folder is not what it is taken for: not a run, not a sweep, or a file in it is missing or broken."""


class SchemaMismatch(FolderError):
    """A folder was written in a version of the format that this package does not read."""


class Conflict(DmsimError):
    """A cell of a sweep is there already, with other contents."""


class ShardFailed(DmsimError):
    """A shard of a sweep could not be run, although it was tried again."""


class ProgramError(DmsimError):
    """The program ended without a result.

    Attributes
    ----------
    exit_code: how it ended (2: wrong input, 3: a file that cannot be written, 4: a safety finding, ...).
    message: what it wrote to its standard error, without blanks around it.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message or f"dmsim ended with exit code {exit_code} and said nothing")
        self.message = message
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[ProgramError], tuple[str, int]]:
        # An exception of two arguments is not pickled as it is; Dask sends exceptions between processes.
        return type(self), (self.message, self.exit_code)


class BadInput(ProgramError):
    """The scenario, the study or an argument is wrong; the message names the place."""


class SafetyFinding(ProgramError):
    """The simulated software broke a rule that holds in every run; the message names the rule and the moment."""


class Interrupted(ProgramError):
    """The program was interrupted; what it wrote is valid and partial."""
