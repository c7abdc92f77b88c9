"""An option that a message, a help text or a page names is an option that some command has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer.main

import gliofuse
from gliofuse.cli import app

PACKAGE = Path(gliofuse.__file__).parent
ROOT = Path(__file__).parents[1]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# they call programs that have options of their own
OTHERS = {"preprocessing/external.py", "report/pdf.py"}
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def options_of(command):
    """Return the options of a command and of those below it."""
    found = {name for parameter in command.params for name in parameter.opts}
    found |= {name for parameter in command.params for name in parameter.secondary_opts}
    return found.union(*(options_of(child) for child in getattr(command, "commands", {}).values()))


@pytest.fixture(scope="module")
def known():
    found = options_of(typer.main.get_command(app)) | {"--help"}
    assert {"--cohort", "--endpoint", "--debug"} <= found
    return found


def named_in(source):
    """Yield the options in a module's string literals, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for option in OPTION.findall(node.value):
                yield node.lineno, option


def test_the_search_sees_messages_that_are_put_together():
    source = 'def f(x):\n    raise ValueError(f"{x}: give --no-such PATH" " or --other")\n'
    assert [option for _, option in named_in(source)] == ["--no-such", "--other"]


def test_every_option_named_in_the_package_exists(known):
    unknown = [
        f"{path.relative_to(PACKAGE)}:{line} names {option}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in OTHERS
        for line, option in named_in(path.read_text(encoding="utf-8"))
        if option not in known
    ]
    assert not unknown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_shown_in_a_page_exists(known, page):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")  # one line a command
    commands = [
        line for line in text.splitlines() if "gliofuse " in line and "benchmark" not in line
    ]
    inline = re.findall(r"`(--[^`]*)`", text)
    shown = OPTION.findall("\n".join([*commands, *inline]))
    assert not set(shown) - known
