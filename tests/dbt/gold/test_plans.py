"""How DuckDB runs gold: no join compares every row with every row."""

import json
import re

import duckdb

from tests.environment import Environment

FEW_ROWS = {
    "forgotten": "the last day, and days of gaps", "listened_albums": "days of gaps", "listened_artists": "days of gaps",
    "listened_tracks": "days of gaps", "listening_clock": "hours of a week, and days of gaps",
    "on_repeat": "a window, and days of gaps",
    "recommendation_quality": "measures", "records": "days of gaps", "sessions": "days of gaps", "streaks": "the last day, and days of gaps",
    "top_albums": "the first day", "top_artists": "the first day", "top_genres": "the first day", "top_tracks": "the first day",
    "int_rec_artists": "days of cases", "int_rec_cases": "days of cases", "int_rec_measures": "measures",
    "int_rec_scored": "weights", "int_rec_taste": "days of cases", "int_settled_gold": "one moment",
}  # fmt: skip
"""Models that join without equal keys, and what the short side is."""


def test_every_join_of_gold_is_on_equal_keys_or_has_a_short_side(built: Environment) -> None:
    folder = built.data_dir / "build"
    manifest = json.loads((folder / "dbt" / "manifest.json").read_text())["nodes"]
    results = json.loads((folder / "dbt" / "run_results.json").read_text())["results"]
    gold = {
        node: result
        for result in results
        if "/gold/" in manifest.get(node := result["unique_id"], {}).get("original_file_path", "")
    }
    slow = {}
    with duckdb.connect(str(folder / "lakehouse.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for node, result in gold.items():
            if manifest[node]["resource_type"] != "model":
                continue
            plan = connection.execute(f"explain {result['compiled_code']}").fetchall()[0][1]
            joins = set(re.findall(r"BLOCKWISE_NL_JOIN|NESTED_LOOP_JOIN|CROSS_PRODUCT", plan))
            if joins and manifest[node]["name"] not in FEW_ROWS:
                slow[manifest[node]["name"]] = joins
    assert slow == {}
    assert len(gold) > 40
