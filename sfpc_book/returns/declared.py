"""What the data contracts say about a folder of returns, loaded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sfpc_book.contracts.contract import DATA_CONTRACTS, TableContract, load_contracts
from sfpc_book.contracts.limits import Limits, load_limits
from sfpc_book.contracts.vocabulary import Vocabularies, load_vocabularies
from sfpc_book.errors import ReturnsError
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.corrections import corrections_for, load_corrections
from sfpc_book.returns.inventory import comparable_with, is_synthetic
from sfpc_book.study.study import Study


@dataclass(frozen=True)
class Declared:
    """Tables, code lists, limits of checks, the corrections that apply to a folder, what it is comparable
    with."""

    contracts: Mapping[str, TableContract]
    words: Vocabularies
    limits: Limits
    corrections: tuple[Correction, ...]
    comparable: frozenset[str]


def load_declared(study: Study, folder: Path, data_contracts: Path = DATA_CONTRACTS) -> Declared:
    """Load contracts, code lists and corrections for a folder of returns.

    A folder of returns may hold a `corrections.yml` of its own, beside that of the data contracts.

    Raises
    ------
    ContractError
        With every fault and its line.
    """
    contracts = load_contracts(data_contracts)
    words = load_vocabularies(data_contracts / "vocabularies.yml")
    paths = (data_contracts / "corrections.yml", folder / "corrections.yml")
    listed = load_corrections(paths, contracts, study)
    limits = load_limits(data_contracts)
    applied = corrections_for(listed, synthetic=is_synthetic(folder))
    return Declared(contracts, words, limits, applied, comparable_with(folder))


def layout_of(study: Study, slug: str) -> str:
    """Layout of an authority's workbooks, from its model.

    Raises
    ------
    ReturnsError
        If the study does not know the authority, or it belongs to no model.
    """
    known = [part.slug for part in study.authorities.values() if part.model]
    if slug not in known:
        raise ReturnsError(
            f"No returns can be read for '{slug}'. Authorities with a model: {', '.join(known)}"
        )
    return study.models[study.authorities[slug].model].layout
