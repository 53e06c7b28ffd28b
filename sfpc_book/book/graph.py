"""What is left of a build when some of its steps have failed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sfpc_book.book.failure_page import Failure
from sfpc_book.book.plan import Chapter
from sfpc_book.book.step import Step, ancestors, makers
from sfpc_book.book.steps import chapter_step_name

StepsOf = Callable[[Mapping[str, Failure]], tuple[Step, ...]]


@dataclass(frozen=True)
class Reduced:
    """The steps that can still be run, and the chapters that become pages naming their cause."""

    steps: tuple[Step, ...]
    failures: Mapping[str, Failure]


def reduce_graph(
    chapters: Sequence[Chapter], steps_of: StepsOf, failures: Mapping[str, Failure], broken: Mapping[str, str]
) -> Reduced:
    """Replace failed chapters by failure pages, and leave out what cannot be made any more.

    Parameters
    ----------
    steps_of
        The steps of the whole build, given the chapters that have failed.
    failures
        Chapters that failed themselves, by slug.
    broken
        Steps that are no chapter and failed, by name, with the cause.
    """
    failures, whole = dict(failures), steps_of({})
    made_by = makers(whole)
    needs = {step.name: ancestors(step, made_by) for step in whole}
    while True:
        steps = steps_of(failures)
        usable = _usable(steps, made_by.keys(), broken)
        lost = _lost(chapters, steps, usable, failures)
        if not lost:
            return Reduced(usable, failures)
        names = {chapter_step_name(chapter.slug) for chapter in lost}
        for chapter in lost:
            needed = needs[chapter_step_name(chapter.slug)]
            if not names & {step.name for step in needed}:  # others may live once these are pages
                failures[chapter.slug] = _inherited(chapter, needed, failures, broken)


def _lost(
    chapters: Sequence[Chapter],
    steps: Sequence[Step],
    usable: Sequence[Step],
    failures: Mapping[str, Failure],
) -> list[Chapter]:
    """Chapters that have not failed, but have a step which cannot be run."""
    lost = {step.name for step in steps} - {step.name for step in usable}
    return [
        chapter
        for chapter in chapters
        if chapter_step_name(chapter.slug) in lost and chapter.slug not in failures
    ]


def _usable(
    steps: Sequence[Step], made_in_whole: Collection[Path], broken: Mapping[str, str]
) -> tuple[Step, ...]:
    """The steps whose inputs can be made: what a whole build makes must still have a maker."""
    made_by_somebody = set(made_in_whole) | set(makers(steps))
    usable = tuple(step for step in steps if step.name not in broken)
    while True:
        made = set(makers(usable))
        left = tuple(step for step in usable if not (set(step.inputs) & made_by_somebody) - made)
        if len(left) == len(usable):
            return usable
        usable = left


def _inherited(
    chapter: Chapter, needs: Sequence[Step], failures: Mapping[str, Failure], broken: Mapping[str, str]
) -> Failure:
    """The failure of a chapter that did not fail itself: that of the nearest step it needs which did."""
    by_step = {chapter_step_name(slug): failure.cause for slug, failure in failures.items()}
    causes = {**by_step, **broken}
    for step in needs:
        if step.name in causes:
            return Failure(chapter.slug, f"the step it needs: {step.name}", causes[step.name])
    return Failure(chapter.slug, "", "a step that it needs could not be run")
