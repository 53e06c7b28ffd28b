"""Every error a user can meet. Each has one exit code and is shown without a traceback.

A message names the thing (file, sheet, row, parameter), lists what was allowed and says what to do.
An error that found several problems carries all of them.
"""

from __future__ import annotations

from collections.abc import Iterable


class SfpcBookError(Exception):
    """Base of all errors that are the user's to mend. `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, message: str, problems: Iterable[str] = ()) -> None:
        self.message = message
        self.problems = tuple(problems)
        super().__init__(self.text())

    def text(self) -> str:
        """The message, followed by one indented line per problem."""
        return "\n".join([self.message, *(f"  - {problem}" for problem in self.problems)])


class StudyDefinitionError(SfpcBookError):
    """`study.yml` does not say a valid study."""

    exit_code = 3


class ReturnsError(SfpcBookError):
    """A folder or workbook of returns cannot be read at all."""

    exit_code = 4


class ContractError(SfpcBookError):
    """A data contract or a correction is itself wrong, or no longer matches the data."""

    exit_code = 5


class ParameterError(SfpcBookError):
    """A notebook parameter or a command-line value is unknown, missing or of the wrong type."""

    exit_code = 6


class EstimationError(SfpcBookError):
    """The data given cannot carry the model asked for."""

    exit_code = 7


class PublishedDataError(SfpcBookError):
    """A folder of published statistics cannot be read as what it claims to be."""

    exit_code = 8


class BookBuildError(SfpcBookError):
    """One or more chapters, the site or a PDF could not be made."""

    exit_code = 9


class DisclosureError(SfpcBookError):
    """Something that must not be published is about to be."""

    exit_code = 10
