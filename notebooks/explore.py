"""The catalog profiled: its shape, what is missing, distributions, correlations, trends over release years.

Run `make notebook`, or `python notebooks/explore.py` for the same as plain text. Every number is a question to gold.

Data flow: gold.dim_*, gold.catalog_trends -> tables of at most a few hundred rows -> charts
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Explore the catalog")

with app.setup:
    import sys
    from pathlib import Path

    import altair as alt
    import marimo as mo

    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from gold import opened

    FEATURES = (
        "danceability",
        "energy",
        "loudness",
        "speechiness",
        "acousticness",
        "instrumentalness",
        "liveness",
        "valence",
        "tempo",
    )
    TRENDS = (*FEATURES, "popularity", "duration_ms", "key", "mode", "time_signature")
    DIMENSIONS = ("dim_tracks", "dim_albums", "dim_artists")


@app.function
def tell(title, table, rows=12):
    """Print a table when the notebook runs as a script; marimo shows it otherwise."""
    if mo.app_meta().mode == "script":
        sys.stdout.write(f"\n{title}: {table.num_rows:,} rows\n")
        for row in table.slice(0, rows).to_pylist():
            words = (
                f"{name} {value:,.3f}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
            )
            sys.stdout.write("  " + " · ".join(words) + "\n")
    return table


@app.cell(hide_code=True)
def _():
    mo.md("""
    # Explore the catalog

    What is in `gold.dim_tracks`, `dim_albums` and `dim_artists`, how much of it is known, and how music changed over
    the years of release. Each chart is drawn from a small answer of the warehouse, so it stays quick for millions of
    tracks. Here only what is published is read.
    """)
    return


@app.cell(hide_code=True)
def _():
    gold = opened()  # the other cells wait for this one
    return (gold,)


@app.cell(hide_code=True)
def _(gold):
    shape = tell(
        "Shape",
        gold("""
        select
            (select count(*) from gold.dim_tracks) as tracks,
            (select count(distinct recording_id) from gold.dim_tracks) as recordings,
            (select count(*) from gold.dim_albums) as albums,
            (select count(*) from gold.dim_artists) as artists,
            (select min(release_year) from gold.catalog_trends) as first_year,
            (select max(release_year) from gold.catalog_trends) as last_year
        """),
    ).to_pylist()[0]
    mo.vstack(
        [
            mo.md("## Shape"),
            mo.hstack(
                [
                    mo.stat(f"{shape['tracks']:,}", label="tracks", bordered=True),
                    mo.stat(f"{shape['recordings']:,}", label="recordings", bordered=True),
                    mo.stat(f"{shape['albums']:,}", label="albums", bordered=True),
                    mo.stat(f"{shape['artists']:,}", label="artists", bordered=True),
                    mo.stat(f"{shape['first_year']} to {shape['last_year']}", label="released", bordered=True),
                ],
                wrap=True,
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(gold):
    _columns = gold("""
        select table_name, column_name
        from information_schema.columns
        where table_schema = 'gold' and table_name in ('dim_tracks', 'dim_albums', 'dim_artists')
        order by table_name, ordinal_position
    """).to_pylist()
    missing = tell(
        "What is missing",
        gold(
            " union all ".join(
                f"select '{c['table_name']}' as table_name, '{c['column_name']}' as column_name,"
                f' count(*) - count("{c["column_name"]}") as nulls,'
                f' coalesce(1 - count("{c["column_name"]}") / nullif(count(*), 0), 0)::double as share'
                f" from gold.{c['table_name']}"
                for c in _columns
            )
        ),
        rows=40,
    )
    _bars = (
        alt.Chart(missing)
        .mark_bar()
        .encode(
            x=alt.X(
                "share:Q", title="share without a value", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            y=alt.Y("column_name:N", title=None, sort=None),
            row=alt.Row("table_name:N", title=None, sort=list(DIMENSIONS)),
            tooltip=[
                "table_name:N",
                "column_name:N",
                alt.Tooltip("nulls:Q", format=","),
                alt.Tooltip("share:Q", format=".2%"),
            ],
        )
        .resolve_scale(y="independent")
        .properties(width=420)
    )
    mo.vstack([mo.md("## What is missing\nNo value where no source has told one. A zero is a value."), _bars])
    return


@app.cell(hide_code=True)
def _(gold):
    spread = tell(
        "Audio features",
        gold(
            " union all ".join(
                f"select '{f}' as feature, count({f}) as tracks, min({f}) as least, quantile_cont({f}, 0.25) as q25,"
                f" median({f}) as median, avg({f}) as mean, quantile_cont({f}, 0.75) as q75, max({f}) as most,"
                f" stddev_samp({f}) as deviation from gold.dim_tracks"
                for f in FEATURES
            )
        ),
    )
    mo.vstack(
        [
            mo.md("## Distributions"),
            mo.ui.table(
                spread,
                selection=None,
                pagination=False,
                show_data_types=False,
                format_mapping=dict.fromkeys(spread.column_names[2:], "{:,.3f}"),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(gold):
    # binned in the warehouse: 30 bins over each feature's own range, however many tracks there are
    bins = tell(
        "Histogram bins",
        gold(
            " union all ".join(
                f"""
                select '{f}' as feature, low + bin * width as from_value, low + (bin + 1) * width as to_value,
                    count(*) as tracks
                from (
                    select low, width, least(29, floor(({f} - low) / width)) as bin
                    from gold.dim_tracks, (
                        select min({f}) as low, greatest((max({f}) - min({f})) / 30, 1e-9) as width
                        from gold.dim_tracks
                    )
                    where {f} is not null
                )
                group by all
                """
                for f in FEATURES
            )
        ),
        rows=3,
    )
    (
        alt.Chart(bins)
        .mark_bar()
        .encode(
            x=alt.X("from_value:Q", title=None, bin="binned"),
            x2="to_value:Q",
            y=alt.Y("tracks:Q", title=None),
            tooltip=[
                "feature:N",
                alt.Tooltip("from_value:Q", format=".3f"),
                alt.Tooltip("to_value:Q", format=".3f"),
                "tracks:Q",
            ],
        )
        .properties(width=210, height=120)
        .facet(facet=alt.Facet("feature:N", title=None, sort=list(FEATURES)), columns=3)
        .resolve_scale(x="independent", y="independent")
    )
    return


@app.cell(hide_code=True)
def _(gold):
    keys = gold("""
        select key, mode, count(*) as tracks
        from gold.dim_tracks
        where key between 0 and 11 and mode is not null
        group by all order by all
    """)
    _names = "['C','C♯','D','E♭','E','F','F♯','G','A♭','A','B♭','B'][datum.key]"
    mo.vstack(
        [
            mo.md("### Keys"),
            alt.Chart(tell("Keys", keys, rows=4))
            .transform_calculate(name=_names, scale="datum.mode == 1 ? 'major' : 'minor'")
            .mark_bar()
            .encode(
                x=alt.X("name:N", title="key", sort=alt.SortField("key")),
                xOffset="scale:N",
                y=alt.Y("tracks:Q"),
                color=alt.Color("scale:N", title=None),
                tooltip=["name:N", "scale:N", "tracks:Q"],
            )
            .properties(width=620, height=200),
        ]
    )
    return


@app.cell(hide_code=True)
def _(gold):
    _names = (*FEATURES, "popularity", "duration_ms")
    _cells = ", ".join(f"{{'a': '{a}', 'b': '{b}', 'correlation': corr({a}, {b})}}" for a in _names for b in _names)
    correlations = tell(
        "Correlations",
        gold(f"""
        select * from (select unnest([{_cells}], recursive := true) from gold.dim_tracks)
        order by abs(correlation) desc nulls last, a, b
        """),
        rows=len(_names) + 6,
    )
    _base = alt.Chart(correlations).encode(
        x=alt.X("a:N", title=None, sort=list(_names), axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("b:N", title=None, sort=list(_names)),
        tooltip=["a:N", "b:N", alt.Tooltip("correlation:Q", format="+.3f")],
    )
    _fill = alt.Color("correlation:Q", scale=alt.Scale(scheme="blueorange", domain=[-1, 1]), title="Pearson's r")
    _ink = alt.condition("abs(datum.correlation) > 0.55", alt.value("white"), alt.value("#222"))
    _text = _base.mark_text(fontSize=11).encode(text=alt.Text("correlation:Q", format="+.2f"), color=_ink)
    mo.vstack(
        [
            mo.md("## Correlations\nPearson's r over all tracks that know both; it sees straight lines alone."),
            (_base.mark_rect().encode(color=_fill) + _text).properties(width=560, height=460),
        ]
    )
    return


@app.cell(hide_code=True)
def _(gold):
    trends = tell("Trends", gold("select * from gold.catalog_trends order by release_year"), rows=3)
    feature = mo.ui.dropdown(options=TRENDS, value="energy", label="Feature")
    mo.vstack([mo.md("## Trends over release years"), feature])
    return feature, trends


@app.cell(hide_code=True)
def _(feature, trends):
    _known = alt.Chart(trends).transform_filter(alt.datum.tracks_with_features > 0)
    _year = alt.X("release_year:Q", title="year of release", axis=alt.Axis(format="d"), scale=alt.Scale(zero=False))
    _mean = alt.Y(f"{feature.value}:Q", title=f"mean {feature.value}", scale=alt.Scale(zero=False))
    _tips = ["release_year:Q", alt.Tooltip(f"{feature.value}:Q", format=",.3f"), alt.Tooltip("tracks:Q", format=",")]
    _dots = _known.mark_circle().encode(x=_year, y=_mean, size=alt.Size("tracks:Q"), tooltip=_tips)
    # years with few tracks jump about: the line is a local regression, the dots are the years themselves
    _line = _known.transform_loess("release_year", feature.value, bandwidth=0.4).mark_line(
        strokeWidth=3, color="#d1495b"
    )
    _count = alt.Chart(trends).mark_bar().encode(x=_year, y=alt.Y("tracks:Q"), tooltip=_tips)
    (_dots + _line.encode(x=_year, y=_mean)).properties(width=680, height=280) & _count.properties(width=680, height=90)
    return


if __name__ == "__main__":
    app.run()
