"""The name of the workbook that goes back to an authority. Apart, so that a plan need not load its writer."""

from __future__ import annotations


def workbook_name(authority: str, status: str) -> str:
    """File name of an authority's findings; synthetic data are named in it."""
    return f"{authority}_findings{'_synthetic' if status == 'synthetic' else ''}.xlsx"
