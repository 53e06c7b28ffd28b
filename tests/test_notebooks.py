"""Templates are pages, not programs: each rule of how a notebook is written, and each one run on a small
build.
"""

from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path

import lxml.html
import nbformat
import pandas as pd
import pytest
from report_frames import write_build

from sfpc_book.book.assemble_notebook import clean_notebook
from sfpc_book.book.plan import plan, shown_as
from sfpc_book.published.build import build_published
from sfpc_book.report.claims import numbers_in_prose
from sfpc_book.simulate.published import simulate_published
from sfpc_book.study.study import load_study

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATES = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
PAGES = sorted((REPOSITORY / "notebooks" / "pages").glob("*.md"))
STUDY = str(REPOSITORY / "study.yml")
TAGS = {"parameters", "setup", "record", "remove-cell", "remove-input", "hide-input", "hide-output"}
PROGRAM = (
    ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try, ast.With,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
MAXIMUM_LINES, MAXIMUM_CELLS = 6, 27
by_name = {"ids": lambda path: path.stem}


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_cells_hold_no_programs_and_import_from_the_package_only(path: Path):
    for cell in cells(path, "code"):
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, PROGRAM)], cell.source
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                pytest.fail(f"plain import in {cell.source!r}")
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).startswith("sfpc_book."), cell.source


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_cells_are_short_few_and_show_one_thing(path: Path):
    code = cells(path, "code")
    assert len(code) <= MAXIMUM_CELLS
    for cell in code:
        assert len([line for line in cell.source.splitlines() if line.strip()]) <= MAXIMUM_LINES, cell.source
        shown = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Expr)]
        assert len(shown) <= 1, cell.source
        if tags(cell) & {"remove-input", "record"}:
            assert isinstance(ast.parse(cell.source).body[-1], ast.Expr), cell.source


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_the_page_has_one_first_heading_and_headings_ask(path: Path):
    text = [cell.source for cell in cells(path, "markdown")]
    headings = [line for source in text for line in source.splitlines() if line.startswith("#")]
    assert [line for line in headings if re.match(r"# ", line)] == headings[:1]
    assert text[0].startswith("# ")
    assert all(line.endswith("?") for line in headings), headings
    assert all(re.match(r"#{1,2} ", line) for line in headings)


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_outputs_are_stripped_ids_are_kept_and_the_kernel_is_python(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in cells(path, "code"):
        assert cell.outputs == [] and cell.execution_count is None


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_no_magic_shell_filter_absolute_path_or_today(path: Path):
    for cell in cells(path, "code"):
        assert not re.search(
            r"^\s*[%!]|\bpip\b|warnings|today\(|now\(|[\"']/|[\"'][A-Z]:\\\\", cell.source, re.M
        )


@pytest.mark.parametrize("path", [*TEMPLATES, *PAGES], **by_name)
def test_no_number_is_typed_in_prose(path: Path):
    if path.suffix == ".md":
        texts = [path.read_text(encoding="utf-8")]
    else:
        texts = [cell.source for cell in cells(path, "markdown")]
    assert [found for text in texts for found in numbers_in_prose(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_tags_are_known_and_the_first_two_code_cells_are_parameters_and_setup(path: Path):
    code = cells(path, "code")
    assert all(tags(cell) <= TAGS for cell in code)
    assert tags(code[0]) == {"parameters", "remove-cell"}
    assert "setup" in tags(code[1])
    assert sum("parameters" in tags(cell) for cell in code) == 1
    assert all(tags(cell) for cell in code), "every code cell says whether readers see it"


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_parameters_are_typed_scalars_with_a_default_and_help(path: Path):
    form = re.compile(r"\w+: (str|int|float|bool) = [^#\n]+  # \S.+")
    lines = cells(path, "code")[0].source.splitlines()
    assert lines and all(form.fullmatch(line) for line in lines), lines
    assert {"study_path", "build_path"} <= {line.partition(":")[0] for line in lines}


@pytest.mark.parametrize("path", TEMPLATES, **by_name)
def test_text_before_a_figure_says_what_to_look_for_and_after_it_what_it_does_not_show(path: Path):
    notebook = nbformat.read(path, as_version=4)
    blocks = re.split(r"(?m)^## ", "\n".join(_outline(cell) for cell in notebook.cells))
    for block in blocks:
        if "<figure>" not in block:
            continue
        before, after = block.split("<figure>", 1)[0], block.rsplit("<figure>", 1)[1]
        assert "ook " in before or "<said>" in before, block
        assert re.search(r"\bnot\b|\bcannot\b|\bnor\b|disagree|vary|as well", after), block


def _outline(cell: nbformat.NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return cell.source
    return "<figure>" if "page.figure(" in cell.source else "<said>" if "say(" in cell.source else ""


@pytest.fixture(scope="module")
def study():
    return load_study(REPOSITORY / "study.yml")


@pytest.fixture(scope="module")
def build(study, tmp_path_factory) -> Path:
    """A small build folder: hand-made aggregates of returns, and simulated published statistics."""
    folder = tmp_path_factory.mktemp("build") / "build"
    write_build(study, folder)
    published = simulate_published(study, folder.parent / "published")
    build_published(study, published, folder / "published")
    return folder


def run(path: Path, **parameters: str) -> list[dict]:
    """Run a template's cells in order in this process; the mimebundles that its last expressions give."""
    namespace: dict[str, object] = {}
    bundles = []
    for cell in cells(path, "code"):
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.stem, "exec"), namespace)
        if "parameters" in tags(cell):
            namespace |= parameters
        if last is not None:
            value = eval(compile(ast.Expression(last.value), path.stem, "eval"), namespace)
            bundles.append({"tags": tags(cell), "data": value._repr_mimebundle_()})
    return bundles


def executed(path: Path, bundles: list[dict]) -> nbformat.NotebookNode:
    """The notebook with these outputs, as the runner would leave it."""
    notebook = nbformat.read(path, as_version=4)
    waiting = iter(bundles)
    for cell in notebook.cells:
        if cell.cell_type == "code" and isinstance(ast.parse(cell.source).body[-1], ast.Expr):
            cell.outputs = [nbformat.v4.new_output("display_data", next(waiting)["data"])]
    return notebook


RUNS = (
    ("model_sample", "no_wrong_door-sample"),
    ("model_data_quality", "no_wrong_door-data_quality"),
    ("model_primary", "no_wrong_door-primary"),
    ("model_sensitivity", "no_wrong_door-sensitivity"),
    ("model_secondary", "no_wrong_door-secondary"),
    ("model_follow_up", "no_wrong_door-follow_up"),
    ("model_costs", "no_wrong_door-costs"),
    ("programme_pooled", "programme-pooled"),
    ("programme_calibration", "programme-calibration"),
    ("matched_comparison", "matched-comparison"),
    ("programme_summary", "programme-summary"),
    ("programme_design", "programme-design"),
    ("authority", "authority-rochdale"),
    ("authority_pilot", "authority-cambridgeshire"),
)


@pytest.fixture(scope="module")
def runs(study, build) -> dict[str, tuple[Path, list[dict]]]:
    """Every template run in the order of the book, on the files that the plan gives it and no others."""
    chapters = {chapter.slug: chapter for chapter in plan(study)}
    done = {}
    for template, slug in RUNS:
        path = REPOSITORY / "notebooks" / f"{template}.ipynb"
        view = _view(build, build.parent / "views" / slug, chapters[slug].inputs)
        given = dict(chapters[slug].parameters) | {"study_path": STUDY, "build_path": str(view)}
        done[slug] = (path, run(path, **given))
        _collect(build, slug, done[slug][1])
    return done


def _view(build: Path, view: Path, inputs: tuple[str, ...]) -> Path:
    """A folder with those files and folders of the build that the plan gives a chapter, and no others."""
    for name in {shown_as(path) for path in inputs}:
        if (build / name).exists():
            (view / name).parent.mkdir(parents=True, exist_ok=True)
            (view / name).symlink_to(build / name)
    return view


def _collect(build: Path, slug: str, bundles: list[dict]) -> None:
    results = build / "results"
    for bundle in bundles:
        record = bundle["data"].get("application/vnd.sfpc-book.results+json")
        if record:
            (results / f"{slug}.csv").write_text(record["csv"], encoding="utf-8")
    parts = [
        pd.read_csv(file, dtype="str", keep_default_na=False)
        for file in sorted(results.glob("*.csv"))
        if file.stem != "estimates"
    ]
    if parts:
        pd.concat(parts).to_csv(results / "estimates.csv", index=False)


SLUGS = [slug for _, slug in RUNS]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_chapter_runs_and_can_be_bound(slug: str, runs):
    path, bundles = runs[slug]
    clean = clean_notebook(executed(path, bundles))
    assert clean.problems == ()
    assert len({item.label for item in clean.data}) == len(clean.data)
    assert all(item.label.startswith(f"{slug}-") for item in clean.data)


@pytest.mark.parametrize("slug", SLUGS)
def test_link_texts_and_figure_titles_of_a_chapter_are_unique(slug: str, runs):
    html = "".join(bundle["data"].get("text/html", "") for bundle in runs[slug][1])
    page = lxml.html.fragment_fromstring(html, create_parent="div")
    links = [link.text_content() for link in page.iterfind(".//a")]
    assert len(set(links)) == len(links), links
    ids = page.xpath("//@id")
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("slug", SLUGS)
def test_no_page_prints_a_hole_or_a_verdict(slug: str, runs):
    for bundle in runs[slug][1]:
        text = bundle["data"].get("text/markdown") or re.sub(
            r"<script.*?</script>|<[^>]+>", " ", bundle["data"].get("text/html", "")
        )
        assert not re.search(r"\bnan\b|\bNaT\b|\bNone\b(?!:)|<NA>|\bsignificant|\bproves\b", text), text[:400]


@pytest.mark.parametrize("slug", SLUGS)
def test_everything_from_synthetic_data_is_marked(slug: str, runs):
    for bundle in runs[slug][1]:
        data = bundle["data"]
        if "text/html" in data and 'data-status="synthetic"' in data["text/html"]:
            assert "ynthetic data" in data["text/html"]
        status = re.findall(r'data-status="(\w+)"', data.get("text/html", ""))
        assert set(status) <= {"synthetic", "design"}


def test_chapters_with_estimates_record_the_tidy_table_and_no_outcome_twice(runs, build):
    table = pd.read_csv(build / "results" / "estimates.csv")
    inside = table[table["horizon"].notna() & (table["model"] != "all")]
    keys = ["model", "outcome", "horizon", "sample", "exposure", "analysis", "term"]
    assert not inside.duplicated(keys).any()
    assert set(inside["horizon"]) == {18, 36}
    assert inside["n_children"].dropna().mod(5).eq(0).all()
    records = {slug: sum("application/vnd.sfpc-book.results+json" in bundle["data"] for bundle in bundles)
               for slug, (_, bundles) in runs.items()}  # fmt: skip
    wanted = {chapter.slug: int(chapter.results) for chapter in plan(load_study(REPOSITORY / "study.yml"))}
    assert records == {slug: wanted[slug] for slug in records}


DIGITS = re.compile(r"-?(\d*)\.?(\d*)(?:e[+-]?\d+)?")


def published_tables(runs, kind: str) -> dict[str, pd.DataFrame]:
    """The data files of the charts or tables of every chapter run, as text, by label."""
    parts = [bundle["data"] for _, bundles in runs.values() for bundle in bundles]
    chosen = [
        part for part in parts if "text/csv" in part and ("image/svg+xml" in part) == (kind == "charts")
    ]
    label = re.compile(r'id="([a-z0-9_-]+)"')
    return {
        label.search(part["text/html"])[1]: pd.read_csv(
            io.StringIO(part["text/csv"]), dtype="str", keep_default_na=False
        )
        for part in chosen
    }


def test_no_number_of_a_chart_has_digits_enough_to_give_its_counts_away(runs):
    charts = published_tables(runs, "charts")
    assert len(charts) > 40
    for label, data in charts.items():
        for name, values in data.items():
            for value in values:
                found = DIGITS.fullmatch(value)
                if found and ("." in value or "e" in value):
                    digits = f"{found[1]}{found[2]}".strip("0") if "." in value else found[1].strip("0")
                    assert len(digits) <= 6, (label, name, value)
                if name == "observed_share" and value:
                    assert len(value.partition(".")[2]) <= 2, (label, value)


def test_a_count_hidden_in_one_table_of_a_chapter_is_hidden_in_its_others(runs):
    keys = ["model", "outcome", "horizon", "sample", "exposure", "analysis", "term"]
    tables = [
        data[[*keys, "n_children", "n_events"]].assign(label=label)
        for label, data in published_tables(runs, "tables").items()
        if {*keys, "n_children"} <= set(data)
    ]
    every = pd.concat(tables).drop_duplicates([*keys, "label"])
    for name in ("n_children", "n_events"):
        for key, values in every.groupby(keys)[name]:
            assert values.nunique() == 1, (name, key, every.loc[every[keys].eq(key).all(axis=1)])


def headings(name: str) -> list[str]:
    text = [cell.source for cell in cells(REPOSITORY / "notebooks" / f"{name}.ipynb", "markdown")]
    return re.findall(r"(?m)^## (.+)$", "\n".join(text))


def test_chapters_of_authorities_say_everything_in_one_order():
    order = [
        "What were we sent?",
        "What is wrong with it?",
        "What was repaired, and on whose word?",
        "What does this do to the trial?",
        "What happened over time?",
        "How does it compare with its neighbours and England?",
        "What can this chapter not show?",
    ]
    assert headings("authority") == order
    pilot = headings("authority_pilot")
    assert pilot == [heading for heading in order if heading in pilot] and pilot[0] == order[0]


def test_a_pilot_shows_published_statistics_only_and_says_why(runs):
    _, bundles = runs["authority-cambridgeshire"]
    text = json.dumps([bundle["data"].get("text/markdown", "") for bundle in bundles])
    assert text.count("not randomised") == 1 and len(bundles) == 9
    assert text.count("sent none") == 1 and text.count("No estimate of the trial of Family Safeguarding") == 1
    labels = [
        re.search(r'id="([^"]+)"', bundle["data"]["text/html"])[1]
        for bundle in bundles
        if "text/html" in bundle["data"]
    ]
    assert {label.removeprefix("authority-cambridgeshire-") for label in labels} == {
        "looked-after", "starts", "in-need", "plans", "neighbours",
    }  # fmt: skip


@pytest.mark.parametrize("slug", ["authority-rochdale", "authority-cambridgeshire"])
def test_synthetic_statistics_are_not_cited_as_published(slug: str, runs):
    html = "".join(bundle["data"].get("text/html", "") for bundle in runs[slug][1])
    sources = re.findall(r'class="sfpc-source">Source: ([^<]*)', html)
    cited = [source for source in sources if "Department for Education" in source]
    assert len(cited) == 5
    assert all(source.startswith("Synthetic statistics in the layout of") for source in cited)
