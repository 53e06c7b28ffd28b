"""Text for Typst: escaping in markup, string literals, small pieces of markup."""

from __future__ import annotations

import json
import re

MARKUP = re.compile(r"""([\\#$*_`@<>\[\]~\-=+/."':(){}!;,])""")
SPACES = re.compile(r"[ \t\r\n\f\v]+")
TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
JSON_UNICODE = re.compile(r"\\u([0-9a-f]{4})")


def escape(text: str) -> str:
    """Text as Typst markup that prints exactly this text; runs of white space become one space."""
    return MARKUP.sub(r"\\\1", SPACES.sub(" ", text))


def literal(text: str) -> str:
    """Text as a Typst string literal, in double quotes."""
    return JSON_UNICODE.sub(r"\\u{\1}", json.dumps(text, ensure_ascii=False))


def array(items: list[str]) -> str:
    """A Typst array of already written expressions; the trailing comma keeps one item an array."""
    return f"({', '.join(items)},)" if items else "()"


def strong(markup: str) -> str:
    """Markup in bold; empty markup stays empty."""
    return f"#strong[{markup}]" if markup else ""


def without_colours(text: str) -> str:
    """Text without a terminal's colour codes."""
    return TERMINAL_COLOURS.sub("", text)


def block_call(function: str, *arguments: str) -> str:
    """A call that stands as a block of its own."""
    return f"\n\n#{function}({', '.join(arguments)})\n\n"
