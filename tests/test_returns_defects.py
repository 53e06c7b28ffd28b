"""Every kind of defect is told exactly where it was planted, alone and together; clean returns are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from spoilt_returns import CONTRACTS, STUDY, TOLD, Sent, across, assert_same_values, model_of, send

from sfpc_book.contracts.answer_key import judge, read_answer_key
from sfpc_book.contracts.finding import Finding, findings_frame
from sfpc_book.returns.records import Returns
from sfpc_book.simulate.defects import BY_KIND, chosen_defects, kinds
from sfpc_book.simulate.placing import lender_of, place_defects, places_of
from sfpc_book.simulate.planting import Defect
from sfpc_book.simulate.workbooks import write_book

SLUGS = [slug for model in STUDY.models.values() for slug in model.trial_authorities]
CORRECTED = [kind for kind in kinds() if BY_KIND[kind].handled_by == "correction"]
# Checks of Great Expectations, which are run where a kind should be, or may be, told by one of them.
SUITES = {"missing", "key", "code_list", "range", "type"}
SCOPES = {"sheet": ("file", "sheet", "column"), "file": ("file",), "authority": ("column",)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Callable[[str], Sent]:
    return cache(lambda slug: send(slug, tmp_path_factory.mktemp("clean")))


@pytest.fixture(scope="module")
def alone(clean, tmp_path_factory) -> Callable[[str], Sent]:
    """An authority in whose returns one kind was planted, once."""

    @cache
    def planted(kind: str) -> Sent:
        for plan in places_of(STUDY, CONTRACTS, BY_KIND[kind]):
            sent = send(plan.authority, tmp_path_factory.mktemp(kind), [plan], clean=clean(plan.authority))
            if len(sent.key):
                return sent
        raise AssertionError(f"{kind} can be planted nowhere")

    return planted


def by_suites(defect: Defect) -> bool:
    return bool(SUITES & {defect.told_by, *defect.also})


def with_across(returns: Returns, sent: Sent, clean: Callable[[str], Sent]) -> list[Finding]:
    """The findings of an authority, and of its model where another authority is concerned."""
    if not any(BY_KIND[kind].borrows for kind in sent.key["kind"]):
        return list(returns.findings)
    lender = clean(lender_of(STUDY, sent.slug)).quickly
    return [*returns.findings, *across([returns, lender], sent.folder)]


def told(findings: list[Finding]) -> dict[tuple, tuple[int, int | None]]:
    """(check, authority, file, sheet, column) → count and first row of what is told there."""
    found: dict[tuple, list[Finding]] = defaultdict(list)
    for part in findings:
        if part.status in TOLD:
            where = (part.subject,) if part.check == "correction" else (part.file, part.sheet, part.column)
            found[(part.check, part.authority, *where)].append(part)
    return {
        place: (
            sum(part.count or 1 for part in parts),
            min((part.row for part in parts if part.row), default=None),
        )
        for place, parts in found.items()
    }


def wanted(key: pd.DataFrame, check: str) -> dict[tuple, tuple[int, int | None]]:
    """The same of an answer key; `check` is the column of it that says which check tells."""
    found: dict[tuple, list] = defaultdict(list)
    for row in key.itertuples():
        places = [getattr(row, name) if name in SCOPES[row.scope] else None for name in SCOPES["sheet"]]
        where = (
            [row.correction] if getattr(row, check) == "correction" else [place or None for place in places]
        )
        found[(getattr(row, check), row.authority, *where)].append(row)
    return {
        place: (
            sum(row.count for row in rows),
            min((row.row for row in rows if row.row is not pd.NA), default=None),
        )
        for place, rows in found.items()
    }


def assert_told(findings: list[Finding], key: pd.DataFrame, check: str, consequences: set[str]) -> None:
    """What the key says is told, with its count and row; and nothing else but the consequences declared."""
    found, expected = told(findings), wanted(key, check)
    assert set(expected) <= set(found)
    assert {place for place in set(found) - set(expected) if place[0] not in consequences} == set()
    for place, (count, row) in expected.items():
        assert found[place][0] == count, place
        assert row is None or found[place][1] in (None, row), place


@pytest.mark.parametrize("kind", kinds())
def test_a_kind_planted_alone_is_told_where_it_stands_and_nothing_else_is(alone, clean, kind):
    sent, defect = alone(kind), BY_KIND[kind]
    assert set(sent.key["kind"]) == {kind} and (sent.key["count"] > 0).all()
    returns = sent.corrected if by_suites(defect) else sent.quickly
    assert_told(with_across(returns, sent, clean), sent.key, "told_by", set(defect.also))


@pytest.mark.parametrize("kind", [kind for kind in kinds() if BY_KIND[kind].handled_by != "finding"])
def test_what_can_be_read_or_corrected_gives_the_clean_values_back(alone, clean, kind):
    sent = alone(kind)
    # The word for unborn stands under gender; that it says no gender, does not take it out of the record.
    but = ("gender",) if kind == "unborn_in_another_column" else ()
    returns = sent.corrected if by_suites(BY_KIND[kind]) else sent.quickly
    assert_same_values(returns, clean(sent.slug).quickly, but=but)


@pytest.mark.parametrize("kind", CORRECTED)
def test_without_its_correction_a_kind_is_told_and_not_repaired(alone, clean, kind):
    sent, defect = alone(kind), BY_KIND[kind]
    returns = sent.read(corrected=False, suites=False)
    consequences = {*defect.also, *defect.also_untreated}
    assert_told(list(returns.findings), sent.key, "told_untreated", consequences)
    with pytest.raises(AssertionError):
        assert_same_values(returns, clean(sent.slug).quickly)


@settings(
    max_examples=12, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate],
)  # fmt: skip
@given(
    slug=st.sampled_from(SLUGS),
    chosen=st.lists(st.sampled_from(kinds()), min_size=15, max_size=len(kinds()), unique=True),
    seed=st.integers(0, 10_000),
    rate=st.sampled_from([None, 0.3, 0.7, 1.0]),
    share=st.sampled_from([None, 0.02, 0.3, 1.0]),
)
def test_of_a_mixture_nothing_is_unreported_and_nothing_else_is_reported(
    clean, tmp_path_factory, slug, chosen, seed, rate, share
):
    own = {model_of(slug): STUDY.models[model_of(slug)]}
    study = STUDY.model_copy(update={"models": own})
    plans = place_defects(study, CONTRACTS, chosen_defects(chosen), seed, rate)
    plans = [plan for plan in plans if plan.authority == slug]
    folder = tmp_path_factory.mktemp("mixture")
    sent = send(slug, folder, plans, clean=clean(slug), seed=1, share=share)
    key = read_answer_key(folder / "answer_key.csv")
    note(f"{slug}, seed {seed}, rate {rate}, share {share}\n{key.to_string()}")
    found, false = judge(key, findings_frame(with_across(sent.corrected, sent, clean)))
    assert found.loc[~found["found"], ["kind", "file", "sheet", "column"]].to_dict("records") == []
    assert false[["check", "file", "sheet", "column", "text"]].to_dict("records") == []


@pytest.mark.parametrize(
    ("seed", "suites"),
    [
        (1, tuple(model.trial_authorities[0] for model in STUDY.models.values())),
        pytest.param(1, SLUGS, marks=pytest.mark.slow),
        pytest.param(2, SLUGS, marks=pytest.mark.slow),
    ],
    ids=["suites of three", "all suites", "another seed"],
)
def test_clean_returns_give_no_finding_at_all(clean, tmp_path_factory, seed, suites):
    folder = tmp_path_factory.mktemp("clean")
    sent = [clean(slug) if seed == 1 else send(slug, folder / slug, seed=seed) for slug in SLUGS]
    returns = [part.corrected if part.slug in suites else part.quickly for part in sent]
    findings = [part for each in returns for part in each.findings] + [*across(returns, sent[0].folder)]
    assert len(findings) > 1000
    assert [part.text for part in findings if part.status in TOLD] == []


@pytest.mark.parametrize("slug", ["warrington", "swindon"])
def test_the_order_of_sheets_and_the_folders_of_files_change_nothing(clean, tmp_path, slug):
    sent = clean(slug)
    for number, book in enumerate(sent.books):
        folder = tmp_path / f"batch {9 - number % 4}"
        folder.mkdir(exist_ok=True)
        write_book(replace(book, grids=book.grids[::-1]), folder)
    (tmp_path / "manifest.json").write_text('{"synthetic": true}', encoding="utf-8")
    found = replace(sent, folder=tmp_path).read(suites=False)
    for name, table in sent.quickly.tables.items():
        pd.testing.assert_frame_equal(found.tables[name], table, obj=name)
    assert list(found.findings) == list(sent.quickly.findings)
