"""How DuckDB runs the models: no join compares every row with every row."""

import re

import pytest

from tests.dbt.silver.feeds import FEEDS, tell
from tests.dbt.silver.lake import Lake
from tests.dbt.silver.life import live

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

FEW_ROWS = {
    "int_completeness", "int_plays_unified", "my_tracks",
    "stg_catalog__tracks", "stg_catalog__albums", "stg_catalog__artists",
}  # fmt: skip
"""Models that compare gaps with exports, plays with the listener's rules, catalog rows with one base: one side is short."""


def test_every_join_of_plays_is_on_equal_keys(lake: Lake) -> None:
    told = tell(live("w", 3, days=3), frozenset(FEEDS), 3)
    for table, rows in told.rows.items():
        lake.add(table, rows)
    lake.build()
    slow = {}
    for name, plan in lake.plans():
        joins = set(re.findall(r"BLOCKWISE_NL_JOIN|NESTED_LOOP_JOIN|CROSS_PRODUCT", plan))
        if joins and name not in FEW_ROWS:
            slow[name] = joins
    assert slow == {}
    assert len(lake.plans()) > 30
