"""A chart as it stands on a page: static SVG, the interactive specification, words, data and data status.

One object serves the site (HTML that works without JavaScript and without a network), the PDF (SVG with title
and description) and the data files (CSV). Nothing in it depends on time, order of hashes or the machine's
fonts list beyond the chart font, so equal inputs give equal bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd
import vl_convert

from sfpc_book.errors import ParameterError
from sfpc_book.report.cells import readable_cells
from sfpc_book.report.disclosure import short_number, short_numbers
from sfpc_book.report.drawing import Drawing
from sfpc_book.report.markup import (
    SYNTHETIC_MARK,
    csv_link,
    csv_text,
    escape,
    require_label,
    require_status,
    require_texts,
    shorthand_line,
    table_html,
)

SHORTEST_ALT, LONGEST_ALT = 20, 250
ROLE_OR_ARIA = re.compile(r'\s(?:role|aria-[a-z]+)="[^"]*"')
IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)([^")]+)')
TAG = re.compile(r"<[^>]+>")
LONG_DECIMAL = re.compile(r"\d+\.\d{3,}(?:e-?\d+)?")
MARK_COLOUR = "#801650"


@dataclass(frozen=True)
class Figure:
    """A chart with everything a reader, a screen reader, a PDF and a data file need from it.

    Raises `ParameterError` if a text is missing, the alt text is not 20 to 250 characters or repeats the
    title, the label does not start with a chapter slug, or the data are empty. Data and specification keep six
    significant digits (see `short_numbers`).
    """

    chart: Any
    label: str
    title: str
    subtitle: str
    alt: str
    data: pd.DataFrame
    source: str
    data_status: str
    cells: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        require_label("figure", self.label)
        require_status("figure", self.label, self.data_status)
        require_texts(
            "figure", self.label, title=self.title, subtitle=self.subtitle, alt=self.alt, source=self.source
        )
        _require_alt(self.label, self.alt, self.title)
        if self.data.empty:
            raise ParameterError(f"figure {self.label!r} has no data behind it")
        object.__setattr__(self, "data", short_numbers(self.data))  # the one place where chart data are cut

    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification, described by the alt text and marked if the data are synthetic."""
        spec = dict(self.chart if isinstance(self.chart, dict) else self.chart.to_dict())
        spec["description"] = self.alt
        if self.data_status == "synthetic":
            spec["title"] = _synthetic_title()
        return _short_values(spec)

    def svg(self, title: str | None = None) -> str:
        """The static chart as SVG with `role="img"`, a `<title>` and the alt text as `<desc>`."""
        return self._named(vl_convert.vegalite_to_svg(self.spec()), title or self.title)

    def _named(self, picture: str, title: str) -> str:
        return accessible_svg(picture, self.label, title, self.alt)

    def csv(self) -> str:
        """The rows drawn as CSV text, `data_status` first."""
        return csv_text(self.data, self.data_status)

    def caption(self) -> str:
        """Title, subtitle and source in one text, as the PDF prints it."""
        mark = f" {SYNTHETIC_MARK}." if self.data_status == "synthetic" else ""
        return f"{_sentence(self.title)} {_sentence(self.subtitle)} Source: {_sentence(self.source)}{mark}"

    def html(self) -> str:
        """The `<figure>`: chart, specification, caption, source, and the data as a folded table."""
        return self._html(self.svg())

    def _html(self, svg: str) -> str:
        spec = json.dumps(self.spec(), sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")
        return (
            f'<figure class="sfpc-figure" id="{self.label}" data-status="{self.data_status}">'
            f"{self._caption_html()}"
            f'<div class="sfpc-chart" data-label="{self.label}">{svg}</div>'
            f'<script type="application/json" class="sfpc-spec" data-for="{self.label}">{spec}</script>'
            f'<p class="sfpc-source">Source: {escape(_sentence(self.source))}</p>{self._data_html()}</figure>'
        )

    def _caption_html(self) -> str:
        mark = '<span class="sfpc-mark">Synthetic data</span>' if self.data_status == "synthetic" else ""
        return (
            f'<figcaption><span class="sfpc-title">{escape(self.title)}</span> '
            f'<span class="sfpc-subtitle">{escape(self.subtitle)}</span> {mark}</figcaption>'
        )

    def _data_html(self) -> str:
        cells = readable_cells(self.data) if self.cells is None else self.cells
        return (
            f'<details class="sfpc-data"><summary>Data behind “{escape(self.title)}”</summary>'
            f'{shorthand_line(cells)}<div class="sfpc-scroll">{table_html(cells, self.subtitle)}</div>'
            f"{csv_link(self.label, self.title, self.csv())}</details>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        picture = vl_convert.vegalite_to_svg(self.spec())  # drawn once, named twice
        return {
            "text/html": self._html(self._named(picture, self.title)),
            "image/svg+xml": self._named(picture, self.caption()),
            "text/csv": self.csv(),
            "text/plain": f"{self.caption()}\n{self.alt}",
        }


def figure_of(drawing: Drawing, label: str, data_status: str) -> Figure:
    """The figure that a drawing becomes under a label and a data status."""
    return Figure(
        chart=drawing.chart,
        label=label,
        title=drawing.title,
        subtitle=drawing.subtitle,
        alt=drawing.alt,
        data=drawing.data,
        source=drawing.source,
        data_status=data_status,
        cells=drawing.cells,
    )


def accessible_svg(svg: str, label: str, title: str, description: str) -> str:
    """An SVG that is one image to assistive technology, with ids unique on the page and short coordinates.

    The renderer's own roles and labels inside the picture are removed: they would name every mark a second
    time.
    """
    body = TAG.sub(_short_numbers, ROLE_OR_ARIA.sub("", svg))
    # The renderer counts ids over its lifetime; numbering them anew keeps equal charts equal.
    order = {name: place for place, name in enumerate(dict.fromkeys(IDENTIFIER.findall(body)))}
    numbers = {name: place for (_, name), place in order.items()}
    body = IDENTIFIER.sub(lambda match: f"{match[1]}{label}-{numbers[match[2]]}", body)
    names = (
        f'<title id="{label}-title">{escape(title)}</title>'
        f'<desc id="{label}-desc">{escape(description)}</desc>'
    )
    root = f'<svg role="img" aria-labelledby="{label}-title {label}-desc" '
    return body.replace("<svg ", root, 1).replace(">", f">{names}", 1)


def _short_numbers(match: re.Match[str]) -> str:
    return LONG_DECIMAL.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), match[0])


def _short_values(part: Any, name: str = "") -> Any:
    """A specification whose numbers are as short as those of the data file: the page holds both."""
    if isinstance(part, dict):
        return {key: _short_values(value, key) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_short_values(value) for value in part]
    return short_number(part, name)


def _synthetic_title() -> dict[str, Any]:
    return {
        "text": SYNTHETIC_MARK,
        "anchor": "end",
        "frame": "bounds",
        "fontSize": 11,
        "fontWeight": "bold",
        "color": MARK_COLOUR,
        "offset": 8,
    }


def _require_alt(label: str, alt: str, title: str) -> None:
    problems = []
    if not SHORTEST_ALT <= len(alt) <= LONGEST_ALT:
        problems.append(f"it has {len(alt)} characters; allowed are {SHORTEST_ALT} to {LONGEST_ALT}")
    if alt.strip().lower() == title.strip().lower():
        problems.append("it repeats the title")
    if re.match(r"(image|picture|chart|graph|figure) of\b", alt.strip(), re.IGNORECASE):
        problems.append("it starts by saying it is an image; say what one would see")
    if problems:
        raise ParameterError(f"alt text of figure {label!r} does not serve a reader", problems)


def _sentence(text: str) -> str:
    stripped = text.strip()
    return stripped if stripped[-1:] in ".?!" else f"{stripped}."
