"""Each check in words, and what a data owner is asked to do about it: `data_contracts/check_words.yml`."""

from __future__ import annotations

from pathlib import Path

from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.contracts.source import Part, located, read_yaml, schema_faults
from sfpc_book.errors import ContractError

CHECK_WORDS = "check_words.yml"
ASK_OF_A_CHECK_WITHOUT_WORDS = "Look at what was found; correct it or confirm it."


class CheckText(Part):
    """One check: its name for readers, and what is asked of the authority when it finds something."""

    name: str
    ask: str

    @property
    def is_request(self) -> bool:
        """Whether something is asked of the authority: `ask` begins with another word than `Nothing`."""
        return not self.ask.startswith("Nothing")


class CheckWords(Part):
    """The words of every check, by id."""

    checks: dict[str, CheckText]

    def of(self, check: str) -> CheckText:
        """The words of a check; one that has none is shown by its id, spelt out."""
        spelt = check.replace("_", " ")
        plain = CheckText(name=spelt[:1].upper() + spelt[1:], ask=ASK_OF_A_CHECK_WITHOUT_WORDS)
        return self.checks.get(check, plain)


def load_check_words(folder: Path = DATA_CONTRACTS) -> CheckWords:
    """Read `check_words.yml`.

    Raises
    ------
    ContractError
        With every fault and its line.
    """
    path = folder / CHECK_WORDS
    raw = read_yaml(path)
    faults = schema_faults(CheckWords, raw)
    if faults:
        raise ContractError(f"{path.name} does not declare the words of checks", located(path, faults))
    return CheckWords.model_validate(raw)
