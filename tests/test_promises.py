"""Each promise of docs/promises.md names a test that exists and that `make test` runs."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import APART

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/promises.md").read_text())
ROWS = [line for line in (ROOT / "docs/promises.md").read_text().splitlines() if line.startswith("| ")][1:]


def test_every_promise_names_one_test() -> None:
    assert len(NAMED) == len(ROWS) > 10


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_the_test_of_a_promise_exists_and_is_not_set_apart(file: str, name: str) -> None:
    body = ast.parse((ROOT / file).read_text()).body
    tests = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    assert name in tests
    of_all = [
        ast.unparse(node.value) for node in body if isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node)
    ]
    marks = {*map(ast.unparse, tests[name].decorator_list), *of_all}
    assert not any(mark.startswith(f"pytest.mark.{apart}") for mark in marks for apart in (*APART, "skip", "xfail"))
