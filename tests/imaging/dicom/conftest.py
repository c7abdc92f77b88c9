"""The command line is called many times here: its tree of commands is built once."""

from __future__ import annotations

import functools

import pytest
import typer.main

_built_once = functools.cache(typer.main.get_command)


@pytest.fixture(autouse=True)
def one_tree_of_commands(monkeypatch):
    """Let every call take the same tree, which holds no state of a call."""
    monkeypatch.setattr(typer.main, "get_command", _built_once)
