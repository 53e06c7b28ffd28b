"""The page that prints the registries of the study file."""

from __future__ import annotations

import pytest

from sfpc_book.book.registry_page import registry_markdown
from sfpc_book.study.study import load_study


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "study.yml")


def test_every_sample_and_definition_of_exposure_stands_on_the_page_with_its_rule(study):
    page = registry_markdown(study)
    for part in (*study.samples.values(), *study.exposures.values()):
        assert page.count(f"\n{part.name}\n") + page.count(f"\n### {part.name}\n") == 1
        assert f": {part.rule}." in page
    cautions = [part.caution for part in study.exposures.values() if part.caution]
    assert len(cautions) == 2 and all(f": {text}." in page for text in cautions)
    assert "Without the outcome that its rule gives: Becoming subject of a protection plan." in page
    assert page.count("Worked out for\n: Main sample.") == len(study.exposures) - 1
