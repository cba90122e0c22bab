"""The recommender: what it would play, why, and how good it was on the past beside simple baselines.

Run `make notebook ARGS=notebooks/recommender.py`, or `python notebooks/recommender.py` for the same as plain text.

Data flow: gold.recommendations, gold.recommendation_quality -> tables and charts
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="How good is the recommender")

with app.setup:
    import sys
    from pathlib import Path

    import altair as alt
    import marimo as mo

    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from gold import opened

    MEASURES = ("hit_rate@10", "hit_rate@50", "ndcg@10", "ndcg@50", "coverage", "novelty")


@app.cell(hide_code=True)
def _():
    gold = opened()  # the other cells wait for this one
    return (gold,)


@app.cell(hide_code=True)
def _(gold):
    quality = gold("select model, measure, value, is_published, lists from gold.recommendation_quality order by all")
    table = gold("""
        pivot (select model, measure, value, is_published from gold.recommendation_quality)
        on measure using first(round(value, 4)) group by model, is_published order by model
    """)
    if mo.app_meta().mode == "script":
        sys.stdout.write("\n".join(str(row) for row in table.to_pylist()) + "\n")
    chart = (
        alt.Chart(quality)
        .mark_bar()
        .encode(
            x=alt.X("model:N", title=None, axis=alt.Axis(labelAngle=-35)),
            y=alt.Y("value:Q", title=None),
            color=alt.Color("is_published:N", title="published", scale=alt.Scale(range=["#b9b3c6", "#b3205f"])),
            tooltip=["model:N", "measure:N", alt.Tooltip("value:Q", format=".4f"), "lists:Q"],
        )
        .properties(width=180, height=150)
        .facet(facet=alt.Facet("measure:N", title=None, sort=list(MEASURES)), columns=3)
        .resolve_scale(y="independent")
    )
    mo.vstack(
        [
            mo.md("""
            # How good is the recommender

            Measured by splitting the history in time: each list was made from what came before a moment, and is judged
            by what was played after it. Popularity, recency and chance choose from the same tracks. A model that does
            not beat them is not published as better.
            """),
            mo.ui.table(table, selection=None, pagination=False, show_data_types=False),
            chart,
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    kind = mo.ui.dropdown(
        options={"Rediscover": "rediscover", "Discover": "discover"}, value="Rediscover", label="List"
    )
    mo.vstack([mo.md("## What it would play, and why"), kind])
    return (kind,)


@app.cell(hide_code=True)
def _(gold, kind):
    listed = gold(
        "select rank, track_name, artist_name, reason, round(score, 4) as score, model"
        " from gold.recommendations where kind = $kind order by rank",
        {"kind": kind.value},
    )
    if mo.app_meta().mode == "script":
        for _row in listed.slice(0, 5).to_pylist():
            sys.stdout.write(f"{_row['rank']}. {_row['track_name']}, {_row['artist_name']}: {_row['reason']}\n")
    mo.ui.table(listed, selection=None, show_data_types=False, page_size=25, wrapped_columns=["reason"])
    return


if __name__ == "__main__":
    app.run()
