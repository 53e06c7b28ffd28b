"""What no sentence of the report may say, tried on rows of every kind, on templates and on pages."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from report_frames import MODEL, estimate, estimates, exact, missing
from report_rows import child_rows, sensitivity_rows

from sfpc_book.estimate.estimate import combine
from sfpc_book.report import sentences, sentences_lists, sentences_methods, sentences_sensitivity
from sfpc_book.report.charts_methods import methods_forest, ratios_forest
from sfpc_book.report.charts_specification import specification_curve
from sfpc_book.report.drawing import Absence
from sfpc_book.report.method_rows import together
from sfpc_book.study.study import Study, load_study

REPOSITORY = Path(__file__).resolve().parents[1]
STUDY = load_study(REPOSITORY / "study.yml")
# An assumption may be named; that it is met is never said. “No effect” stands only where an assumption names
# it: “No effect before go-live”.
FORBIDDEN = {
    "no effect": r"\bno effect\b(?! before go-live)",
    "no difference": r"\bno difference\b",
    "significance without saying which": r"(?<!statistically )\bsignifican(?:t|ce|tly)\b",
    "a verdict": r"\b(?:proves?|proved|proven|confirms|confirmed|demonstrates|establishes)\b",
    "an assumption said to be met": r"\bassumptions? (?:holds?|is met|are met|is satisfied)\b",
    "a trend towards": r"\btrend(?:ed|s|ing)? towards?\b",
    "marginal": r"\bmarginally\b|\bborderline\b",
}
HOLES = re.compile(r"\bnan\b|\bNone\b|\binf\b|<NA>|\bNaT\b|\[x\]|  |\.\.|\( |,,")
UNITS = (
    "proportion", "days", "placements", "proportion of sessions", "log odds ratio", "log risk ratio",
    "log rate ratio", "percentage points", "per 10,000 children", "per 1,000 children", "",
)  # fmt: skip
VALUES = (-0.03, 0.03, 0.0, 1e-9, -1e-9)
HALVES = (0.01, 0.05, math.inf, math.nan)
DEGREES = (4.0, 3.71, math.nan, math.inf)
EMPTY = ("not_observed", "not_identified", "not_estimable: one authority")


def faults(text: str) -> list[str]:
    return [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]


def grid(analysis: str, unit: str) -> list[dict]:
    """Fields of rows of every kind: signs, tiny and zero, open and missing ends, degrees of freedom."""
    ends = [(below, above) for below in HALVES for above in HALVES]
    rows = [
        {"estimate": value, "conf_low": value - below, "conf_high": value + above, "df": df}
        for (value, (below, above)), df in zip(
            itertools.product(VALUES, ends), itertools.cycle(DEGREES), strict=False
        )
    ]
    shares = [{"observed_share": 0.4, "status": "partly_observed"}, {"missing_information": 0.0004}]
    return [fields | {"analysis": analysis, "unit": unit} for fields in [*rows, *shares]]


@pytest.mark.parametrize("unit", UNITS)
def test_a_row_of_any_kind_is_said_without_a_verdict_or_a_hole(unit: str):
    outcome = STUDY.outcomes["looked_after"]
    for fields in grid("panel_two_way", unit):
        row = next(combine([estimate(STUDY, **fields)]).itertuples())
        texts = [
            sentences.size_sentence(row, outcome, 18),
            sentences.interval_sentence(row),
            sentences.limit_sentence(row),
            sentences.observed_sentence(row, STUDY),
        ]
        for text in texts:
            assert not faults(text) and not HOLES.search(text), (text, fields)


@pytest.mark.parametrize("status", EMPTY)
@pytest.mark.parametrize("unit", UNITS)
def test_a_row_without_a_number_says_why(unit: str, status: str):
    row = next(combine([missing(STUDY, status, unit=unit)]).itertuples())
    text = sentences.size_sentence(row, STUDY.outcomes["looked_after"], 18)
    assert not faults(text) and not HOLES.search(text), text
    assert status.replace("_", " ").split(":")[0] in text


@pytest.mark.parametrize("analysis", STUDY.analyses)
def test_every_analysis_of_the_study_can_be_said(analysis: str):
    text = sentences.assumptions_sentence(STUDY, analysis)
    part = STUDY.analyses[analysis]
    for words in (text, part.name, part.estimand, part.model, part.caution or ""):
        assert not faults(words), words
    place = 5 * list(STUDY.analyses).index(analysis)
    unit = ("proportion", "log odds ratio")[place % 2]
    row = estimate(STUDY, **grid(analysis, unit)[place % 80])
    _all_sound(_paragraphs(together(combine([row]), estimates(STUDY)), charts=False))


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("looked_after", status) for status in ("ok", *EMPTY)]
    + [(outcome, "ok") for outcome in ("days_on_plan", "unauthorised_absence")],
)
def test_every_paragraph_is_sound_for_every_outcome_and_status(outcome: str, status: str):
    made = estimate if status == "ok" else lambda study, outcome, **more: missing(
        study, status, outcome=outcome, **more
    )  # fmt: skip
    average = {"analysis": "exposure_time_average", "term": "exposure_time_average_1_2"}
    main = [made(STUDY, outcome), exact(STUDY, outcome), made(STUDY, outcome, **average)]
    rows = together(combine(main), child_rows(STUDY, MODEL), sensitivity_rows(STUDY, MODEL))
    _all_sound(_paragraphs(rows, outcome))


def test_every_paragraph_is_sound_where_nothing_was_recorded():
    _all_sound(_paragraphs(estimates(STUDY).iloc[:0]))


def _paragraphs(rows: pd.DataFrame, outcome: str = "looked_after", *, charts: bool = True) -> dict[str, str]:
    """Every sentence function on the rows of one outcome, by name; with `charts`, their words too."""
    asked = (STUDY, rows, MODEL, outcome, 18)
    texts = {
        name: getattr(module, name)(*asked)
        for module in (sentences_methods, sentences_sensitivity)
        for name in vars(module)
        if name.endswith("_sentences") and name != "curve_sentences"
    }
    texts["effect"] = sentences.effect_sentences(*asked)
    texts["outcomes"] = sentences_lists.outcome_sentences(STUDY, rows, MODEL, [STUDY.outcomes[outcome]], 18)
    texts["summary"] = sentences_lists.summary_sentences(STUDY, rows, 18)
    texts["horizons"] = sentences_lists.horizon_sentences(STUDY, rows, MODEL)
    texts["pooled"] = sentences_lists.pooled_sentence(rows, outcome, 18)
    for share in (0.0, 0.0001, 0.3, math.nan):
        texts[f"curve {share}"] = sentences_methods.curve_sentences(*asked, share)
    for draw in (methods_forest, ratios_forest, specification_curve) if charts else ():
        made = draw(*asked)
        absent = isinstance(made, Absence)
        texts[draw.__name__] = made.reason if absent else f"{made.title}. {made.subtitle}. {made.alt}"
    return texts


def _all_sound(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        assert text.strip(), name
        assert not faults(text), (name, faults(text), text)
        assert not HOLES.search(text.replace("\n\n", " ")), (name, HOLES.search(text), text)


def test_levels_and_their_difference_are_said_before_any_ratio():
    rows = together(estimates(STUDY), child_rows(STUDY, MODEL))
    text = sentences_methods.level_sentences(STUDY, rows, MODEL, "looked_after", 18)
    places = [text.index(part) for part in ("from about", "fewer per 1,000", "risk ratio", "odds ratio")]
    assert places == sorted(places), text
    assert re.search(r"from about \d+\.\d, if none .* to about \d+\.\d per 1,000 children, if all", text)
    assert re.search(r"risk ratio \d\.\d\d \(\d\.\d\d to \d\.\d\d\)", text)
    rules = sentences_sensitivity.missing_sentences(STUDY, rows, MODEL, "looked_after", 18)
    assert rules.index("per 1,000") < rules.index("odds ratio") and "12% of the information" in rules


def test_ratios_without_levels_are_not_said():
    only = child_rows(STUDY, MODEL)
    only = only[only["analysis"].str.startswith("mixed")]
    text = sentences_methods.level_sentences(STUDY, only, MODEL, "looked_after", 18)
    assert "ratio" in text and not re.search(r"\d", text)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.024, 0.012, "falls larger than 24.0 per 1,000 children and rises larger than 12.0"),
        (-0.024, -0.003, "any rise and falls smaller than 3.0"),
        (0.003, 0.012, "any fall, rises smaller than 3.0 per 1,000 children and rises larger than 12.0"),
        (-0.024, 1e-9, "any rise"),
        (-math.inf, 0.012, "rises larger than 12.0"),
    ],
)
def test_what_an_interval_rules_out_stands_under_its_condition(low: float, high: float, words: str):
    row = next(combine([estimate(STUDY, conf_low=low, conf_high=high)]).itertuples())
    text = sentences.interval_sentence(row)
    assert words in text and "At this level the clustered interval leaves out " in text
    assert text.endswith(", under what the model assumes.")


def test_an_interval_without_ends_rules_out_nothing():
    row = next(combine([exact(STUDY)]).itertuples())
    assert sentences.interval_sentence(row).endswith("at this level it rules out nothing.")


def test_how_far_an_estimate_moves_names_the_row_farthest_away_and_those_without_a_number():
    rows = together(estimates(STUDY), sensitivity_rows(STUDY, MODEL))
    text = sentences_sensitivity.samples_sentences(STUDY, rows, MODEL, "looked_after", 18)
    main = rows[(rows["analysis"] == "panel_two_way") & (rows["horizon"] == 18)]
    other = main[(main["exposure"] == "go_live") & (main["sample"] != "main") & main["estimate"].notna()]
    other = other[other["outcome"] == "looked_after"]
    farthest = other.iloc[(other["estimate"] + 0.006).abs().argmax()]
    assert f"“{STUDY.samples[farthest['sample']].name}”" in text
    assert f"a move of {abs(farthest['estimate'] + 0.006) * 1000:.1f} per 1,000 children" in text
    assert "no return of Leicester" in text and "none is a test of another" in text


def test_counts_of_specifications_are_called_no_test():
    rows = together(estimates(STUDY), sensitivity_rows(STUDY, MODEL))
    text = sentences_sensitivity.specification_sentences(STUDY, rows, MODEL, "looked_after", 18)
    assert "These counts are no test" in text and "not independent" in text
    assert "below zero" in text and "out zero" in text and "Without a number" in text


QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")  # words that a page names in order not to say them
TEMPLATES = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
PAGES = sorted((REPOSITORY / "notebooks" / "pages").glob("*.md"))


@pytest.mark.parametrize("path", [*TEMPLATES, *PAGES], ids=lambda path: path.stem)
def test_prose_of_templates_and_pages_gives_no_verdict(path: Path):
    if path.suffix == ".md":
        texts = [path.read_text(encoding="utf-8")]
    else:
        cells = nbformat.read(path, as_version=4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert not [(faults(text), text) for text in texts if faults(QUOTED.sub(" ", " ".join(text.split())))]


def test_the_names_and_assumptions_of_the_study_give_no_verdict():
    study: Study = STUDY
    texts = [part.name for part in (*study.samples.values(), *study.exposures.values())]
    texts += [part.name for part in study.calibration.scenarios.values()]
    texts += [text for part in study.analyses.values() for text in (*part.assumptions, part.reference)]
    assert not [text for text in texts if faults(text)]
