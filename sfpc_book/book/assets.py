"""The one shared script that makes charts interactive; without it every chart is still there, drawn and
static.
"""

from __future__ import annotations

from pathlib import Path

CHART_SPEC_MARK = "sfpc-spec"
RUNTIME_NAME = "charts.js"


def needs_chart_runtime(chapters: Path) -> bool:
    """Does any chapter carry a chart specification?"""
    return any(
        CHART_SPEC_MARK in path.read_text(encoding="utf-8") for path in sorted(chapters.glob("*.ipynb"))
    )


def write_chart_runtime(assets: Path) -> Path:
    """Write Vega, Vega-Lite and Vega-Embed as one file, wrapped so that its short names stay its own."""
    import vl_convert  # only when charts are there: the bundle costs a second and a half

    path = assets / RUNTIME_NAME
    path.write_text(f"(function () {{\n{vl_convert.javascript_bundle()}\n}})();\n", encoding="utf-8")
    return path
