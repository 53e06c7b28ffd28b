"""What a build says when it is over."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from sfpc_book.book.build import BuildReport


def print_summary(report: BuildReport, console: Console) -> None:
    """How many steps ran and how many were unchanged, and where the book is."""
    done, unchanged = report.count("done"), report.count("unchanged")
    console.print(f"{done} {'step' if done == 1 else 'steps'} run, {unchanged} unchanged", highlight=False)
    if "bind" not in report.statuses:
        console.print(f"executed notebooks: {_short(report.places.build / 'chapters')}", highlight=False)
    if report.statuses.get("bind") not in ("done", "unchanged"):
        return
    if report.failures:
        console.print("[yellow]This book is a draft.[/yellow]")
    for words, path in (
        ("site", report.places.build / "site" / "index.html"),
        ("PDFs", report.places.build / "pdf"),
        ("estimates", report.places.build / "results" / "estimates.csv"),
    ):
        console.print(f"{words:<10}{_short(path)}", highlight=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
