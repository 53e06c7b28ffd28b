"""Show a build as it goes: one bar, what runs now, and a line for what failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)
WORDS_WIDTH = 44


@dataclass
class BuildDisplay:
    """Progress on a console; where it is not a terminal, a line per finished step instead of a bar."""

    console: Console = field(default_factory=Console)
    stages: dict[str, str] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    progress: Progress | None = None

    @contextmanager
    def shown(self) -> Iterator[BuildDisplay]:
        """Show progress within this block."""
        if not self.console.is_terminal:
            yield self
            return
        with Progress(*COLUMNS, console=self.console, transient=True) as self.progress:
            self.bar = self.progress.add_task("Planning", total=None)
            yield self
        self.progress = None

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.console.print(text, highlight=False)

    def begin(self, stages: dict[str, str]) -> None:
        """A pass over the steps begins; `stages` names the stage of each step."""
        self.stages, self.running = stages, []
        if self.progress:
            self.progress.reset(self.bar, total=len(stages), description="Looking for changes")

    def started(self, name: str) -> None:
        self.running.append(name)

    def ended(self, name: str, status: str) -> None:
        if name in self.running:
            self.running.remove(name)
        if status == "failed":
            self.say(f"[red]failed[/red]  {name}")
        elif status == "done" and not self.progress:
            self.say(f"{status}  {name}")
        if self.progress:
            self.progress.advance(self.bar)
            self.progress.update(self.bar, description=self._words())

    def _words(self) -> str:
        if not self.running:
            return "Looking for changes"
        stage = self.stages.get(self.running[0], "")
        return f"{stage}: {self.running[0]}"[:WORDS_WIDTH].ljust(WORDS_WIDTH)
