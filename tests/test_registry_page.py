"""The page that prints the registries of the study file."""

from __future__ import annotations

import re

import pytest

from sfpc_book.book.registry_page import registry_markdown
from sfpc_book.contracts.contract import load_contracts
from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.registries import NotDone
from sfpc_book.study.study import load_study


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "study.yml")


def titles() -> dict[str, str]:
    return {name: contract.title for name, contract in load_contracts().items()}


def test_definitions_carry_the_numbers_of_the_study_and_the_titles_of_sheets(study):
    page = registry_markdown(study, titles())
    computed = re.sub(r"(?s)## Analyses.*", "", page)
    assert not re.findall(r"`[^`]*`|\bfixed_\w+|\bdr[123]_\w+|\bNone\b", computed)
    assert "within 112 days of the first pre-proceedings meeting" in page
    assert f"within {' or '.join(map(str, study.horizons))} months after a plan ends" in page
    assert "days of follow-up under the model are 28 or more" in page
    assert "From sheets\n: Periods of care; Care episodes." in page


def test_every_sample_and_definition_of_exposure_stands_on_the_page_with_its_rule(study):
    page = registry_markdown(study, titles())
    for part in (*study.samples.values(), *study.exposures.values()):
        assert page.count(f"\n{part.name}\n") + page.count(f"\n### {part.name}\n") == 1
        assert f": {part.rule}." in page
    cautions = [part.caution for part in study.exposures.values() if part.caution]
    assert len(cautions) == 4 and all(f": {text}." in page for text in cautions)
    assert "Without the outcome that its rule gives: Becoming subject of a protection plan." in page
    assert page.count("Worked out for\n: Main sample.") == len(study.exposures) - 1


def test_covariates_stand_with_their_levels_and_analyses_with_rule_and_caution(study):
    page = registry_markdown(study, titles())
    assert "\nPrevious protection plans\n: 0; 1; 2; 3+; Missing.\n" in page
    assert "\nDomestic abuse of the child (3A)\n: Has not; Has; Not assessed.\n" in page
    for analysis in study.analyses.values():
        own = page.split(f"### {analysis.name}\n")[1].split("\n### ")[0]
        assert ("\nMissing covariates\n" in own) == (analysis.missing_data is not None)
        assert not analysis.caution or f"\nCaution\n: {analysis.caution}." in own
    assert f"Filled in {study.imputation.number} times" in page
    mixed = [part for name, part in study.analyses.items() if name.startswith("mixed_logit")]
    assert len(mixed) == 5 and all("anti-conservative" in part.caution for part in mixed)


def test_an_empty_list_of_what_is_not_done_says_so(study):
    assert (
        registry_markdown(study, titles()).rstrip().endswith("No analysis is listed as planned and not done.")
    )
    left = NotDone(analysis="A test", because="No data")
    page = registry_markdown(study.model_copy(update={"not_done": (left,)}), titles())
    assert page.rstrip().endswith("- A test: No data.")


def test_a_change_is_printed_with_what_the_code_does_and_the_days_of_its_row(study):
    page = registry_markdown(study, titles())
    assert "What changes\n: Without periods shorter than 100 days: they hold few children" in page
    row = study.analyses["no_short_periods"].model_copy(update={"days": 62})
    other = study.model_copy(update={"analyses": study.analyses | {row.id: row}})
    assert "Without periods shorter than 62 days: they hold few children" in registry_markdown(
        other, titles()
    )
    changes = [part for part in study.analyses.values() if part.change]
    assert page.count("What changes\n: ") == len(changes) > 0
    for part in study.analyses.values():
        assert not part.caution or f": {part.caution}." in page


def test_an_unknown_change_is_told_with_the_known_ones(study):
    row = study.analyses["no_first_period"].model_copy(update={"change": "drop_frist_period"})
    wrong = study.model_copy(update={"analyses": study.analyses | {row.id: row}})
    with pytest.raises(StudyDefinitionError, match="change 'drop_frist_period'; known: drop_first_period, "):
        registry_markdown(wrong, titles())
