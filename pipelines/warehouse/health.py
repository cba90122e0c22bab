"""What a reader of gold may know of the pipeline: two functions in `gold` that answer with the rows of `ops`.

The role `metabase` reads schema `gold` and nothing else, and the views of `gold` are generations of marts. Runs and
reconciliation belong to no generation, so they are functions there: owned by the publisher, run with its rights, and
able to do nothing but this one select.

Data flow: `ops.pipeline_runs`, `ops.reconciliation` -> `gold.pipeline_runs()`, `gold.reconciliation()`
"""

from pipelines.warehouse import GOLD, OPS
from pipelines.warehouse.ops import TABLES

FUNCTIONS = tuple(table.name for table in TABLES)


def statements(owner: str, reader: str) -> list[str]:
    """The statements that make the functions, whose tables must be there; making them again changes nothing.

    Args:
        owner: Role with whose rights they run.
        reader: Role that may call them.
    """
    return [statement for name in FUNCTIONS for statement in _function(name, owner, reader)]


def _function(name: str, owner: str, reader: str) -> list[str]:
    signature = f"{GOLD}.{name}()"
    return [
        f"create or replace function {signature} returns setof {OPS}.{name} language sql stable security definer"
        f" set search_path = pg_catalog, pg_temp as 'select * from {OPS}.{name}'",
        f"alter function {signature} owner to {owner}",
        f"revoke all on function {signature} from public",
        f"grant execute on function {signature} to {reader}",
    ]
