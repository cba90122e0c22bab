"""A macro of the dbt project as the expression that DuckDB gets, without dbt."""

from pathlib import Path

from jinja2 import Environment

MACROS = Path(__file__).parents[2] / "dbt" / "macros"


def expression(file: str, macro: str, *arguments: str) -> str:
    """The text of a macro that calls no other one."""
    module = Environment(extensions=["jinja2.ext.do"]).from_string((MACROS / file).read_text()).module  # noqa: S701  # SQL, not HTML
    return str(getattr(module, macro)(*arguments))
