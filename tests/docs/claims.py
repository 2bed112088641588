"""What docs/claims.md says, and which tests say that they attack its claims: both read, neither run."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CLAIM = re.compile(r"^## (C\d+)\. .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ATTACK = re.compile(r"^- `([^`]+)`$", re.MULTILINE)


def sections(page: str) -> dict[str, str]:
    """The text of each claim, by its number."""
    return {match.group(1): match.group() for match in _CLAIM.finditer(page)}


def named(section: str) -> set[str]:
    """The tests that a claim names: files, or functions as pytest writes them."""
    return set(_ATTACK.findall(section))


def exists(test: str) -> bool:
    """Whether there is such a file, and in it such a function."""
    path, _, function = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    return not function or any(
        isinstance(node, ast.FunctionDef) and node.name == function
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
    )


def marked() -> dict[str, set[str]]:
    """By claim, the tests that are marked with it: files by their `pytestmark`, functions by decorators."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for test, number in _marks_in(file):
            found.setdefault(number, set()).add(test)
    return found


def _marks_in(file: Path) -> Iterator[tuple[str, str]]:
    name = str(file.relative_to(ROOT))
    tree = ast.parse(file.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield from ((name, number) for number in _numbers(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                yield from ((f"{name}::{node.name}", number) for number in _numbers(decorator))


def _numbers(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.claim":
            yield from (ast.literal_eval(argument) for argument in node.args)
