"""What users built on the views of gold, kept alive when `publish --migrate` has to make a view again.

A view whose columns go or change must be dropped, and Postgres refuses while anything depends on it. Views of users
are taken down, kept as text with owner, grants, options, defaults and comments, and made again upon the new view. What
cannot be made again, as rules and triggers of a view, stops the migration and is named: nothing is ever dropped in
silence.

Data flow: views that change -> dependents as text -> views that changed -> dependents again
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.duck import literal, quote
from sources.problem import Problem

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

DEPENDENTS = """
with recursive found(oid, depth) as (
    select %s::regclass::oid, 0
    union all
    select rule.ev_class, found.depth + 1
    from found
    join pg_depend as edge on edge.refobjid = found.oid and edge.refclassid = 'pg_class'::regclass
    join pg_rewrite as rule on rule.oid = edge.objid and edge.classid = 'pg_rewrite'::regclass
    where rule.ev_class <> found.oid
)
select view.oid::regclass::text, relkind::text, max(depth), rolname,
    case when relkind in ('v', 'm') then pg_get_viewdef(view.oid) end,
    obj_description(view.oid, 'pg_class'),
    array(
        select format('grant %%s on %%s to %%s%%s', privilege_type, view.oid::regclass,
            case grantee when 0 then 'public' else grantee::regrole::text end,
            case when is_grantable then ' with grant option' else '' end)
        from aclexplode(relacl) where grantee <> relowner
    ),
    array_to_string(reloptions, ', '),
    array(
        select array[attname::text, statement]
        from pg_attribute cross join lateral (
            select format('comment on column %%s.%%I is %%L', attrelid::regclass, attname, description)
            from col_description(attrelid, attnum) as description where description is not null
            union all
            select format('alter view %%s alter column %%I set default %%s', attrelid::regclass, attname,
                pg_get_expr(adbin, adrelid))
            from pg_attrdef where adrelid = attrelid and adnum = attnum
            union all
            select format('grant %%s (%%I) on %%s to %%s%%s', privilege_type, attname, attrelid::regclass,
                case grantee when 0 then 'public' else grantee::regrole::text end,
                case when is_grantable then ' with grant option' else '' end)
            from aclexplode(attacl) where grantee <> relowner
        ) as told(statement)
        where attrelid = view.oid and attnum > 0 and not attisdropped
    ),
    exists (select 1 from pg_trigger where tgrelid = view.oid and not tgisinternal)
    or exists (select 1 from pg_rewrite where ev_class = view.oid and rulename <> '_RETURN')
from found join pg_class as view on view.oid = found.oid join pg_roles on pg_roles.oid = relowner
group by view.oid, relkind, rolname, relacl, relowner, reloptions
order by max(depth)
"""


@dataclass(frozen=True)
class Saved:
    """A view as text.

    Attributes:
        name: With its schema.
        columns: Pairs of a column and a statement that gives it what belongs to it.
        is_acting: Whether it has rules or triggers, which are not kept.
    """

    name: str
    kind: str
    depth: int
    owner: str
    definition: str
    comment: str | None
    grants: list[str]
    options: str | None
    columns: list[list[str]]
    is_acting: bool

    def again(self, has: Collection[str]) -> list[str]:
        """Statements that give a view that exists again what belongs to it and to those columns that it still has."""
        comment = [f"comment on view {self.name} is {literal(self.comment)}"] if self.comment else []
        options = [f"alter view {self.name} set ({self.options})"] if self.options else []
        columns = [statement for column, statement in self.columns if column in has]
        owner = f"alter view {self.name} owner to {quote(self.owner)}"
        return [*self.grants, *comment, *options, *columns, owner]


@dataclass
class Aside:
    """Views that are taken down, in the order in which they can be made again."""

    own: dict[str, Saved] = field(default_factory=dict)
    others: dict[str, Saved] = field(default_factory=dict)

    def forget(self, tables: Sequence[str]) -> None:
        """Leaves tables that are published no longer down."""
        for table in tables:
            self.own.pop(table, None)


@contextmanager
def set_aside(cursor: "Cursor", schema: str, tables: Sequence[str]) -> Iterator[Aside]:
    """Takes views down with all that depends on them, and makes the dependents again at the end.

    Within, the caller makes the views again, in whatever new form.

    Raises:
        Problem: Something that depends on them cannot be taken down or made again; it is named.
    """
    aside = Aside()
    cursor.execute("set local search_path = ''")  # names with their schemas, whatever path the server sets
    for table in tables:
        _save(cursor, schema, table, aside)
    _take_down(cursor, aside)
    yield aside
    _make_again(cursor, aside)


def _save(cursor: "Cursor", schema: str, table: str, aside: Aside) -> None:
    cursor.execute(DEPENDENTS, (f"{quote(schema)}.{quote(table)}",))
    for saved in (Saved(*row) for row in cursor.fetchall()):
        if saved.depth == 0:
            aside.own[table] = saved
        elif saved.name not in aside.others or aside.others[saved.name].depth < saved.depth:
            aside.others[saved.name] = saved


def _take_down(cursor: "Cursor", aside: Aside) -> None:
    from psycopg2 import errors

    own = {saved.name for saved in aside.own.values()}
    others = {name: saved for name, saved in aside.others.items() if name not in own}
    aside.others = others
    stuck = [saved.name for saved in others.values() if saved.kind != "v"]
    if stuck:
        raise Problem(f"These depend on what the migration changes: {_names(others)}. Drop {', '.join(stuck)} first.")
    acting = [saved.name for saved in (*aside.own.values(), *others.values()) if saved.is_acting]
    if acting:
        raise Problem(f"The migration cannot keep the rules and triggers of {', '.join(acting)}: drop them first.")
    ordered = sorted([*others.values(), *aside.own.values()], key=lambda saved: (-saved.depth, saved.name))
    try:
        cursor.execute(";".join([f"drop view {saved.name}" for saved in ordered] or ["select 1"]))
    except (errors.DependentObjectsStillExist, errors.InsufficientPrivilege) as error:
        reason = " ".join(str(error).split())
        raise Problem(f"The migration cannot take down what depends on gold: {_names(others)}. {reason}") from error


def _make_again(cursor: "Cursor", aside: Aside) -> None:
    from psycopg2 import Error

    for saved in sorted(aside.others.values(), key=lambda saved: saved.depth):
        try:
            cursor.execute(f"create view {saved.name} as {saved.definition}")
            _give_back(cursor, saved)
        except Error as error:
            reason = str(error).splitlines()[0]
            raise Problem(
                f"The migration would break {saved.name}: {reason}. What depends on the changed tables: "
                f"{_names(aside.others)}. Change or drop it, then run `publish --migrate` again. Nothing was published."
            ) from error
    for saved in aside.own.values():
        _give_back(cursor, saved)


def _give_back(cursor: "Cursor", saved: Saved) -> None:
    cursor.execute("select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", (saved.name,))
    has = {name for (name,) in cursor.fetchall()}
    cursor.execute(";".join(saved.again(has)))


def _names(saved: dict[str, Saved]) -> str:
    return ", ".join(f"{one.name} (of {one.owner})" for one in saved.values()) or "nothing"
