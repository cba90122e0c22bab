"""The embedded dashboard: any range of days, its lists, and pages of one artist and one song.

Run `make notebook ARGS=notebooks/listening.py`, or `python notebooks/listening.py` for the same as plain text. It
answers from the `gold.daily_*` aggregates, so it stays quick however long the history is.

Data flow: gold.daily_*, gold.listened_*, gold.completeness -> charts
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Listening")

with app.setup:
    import sys
    from html import escape
    from pathlib import Path

    import altair as alt
    import marimo as mo

    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from gold import ask, opened, settings

    HOT = "#b3205f"
    DAYS = "['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][datum.weekday]"


@app.function
def over_time(table, grain):
    """Minutes by month or by day as bars; a month without music is no bar."""
    unit, shown = ("utcyearmonthdate", "%d %b %Y") if grain == "day" else ("utcyearmonth", "%b %Y")
    period = alt.X(f"{unit}(period):T", title=None)
    minutes = alt.Y("minutes:Q", title="minutes")
    tips = [
        alt.Tooltip(f"{unit}(period):T", title=grain, format=shown),
        alt.Tooltip("minutes:Q", format=",.0f"),
        alt.Tooltip("plays:Q", format=","),
    ]
    bars = alt.Chart(table).mark_bar(color=HOT, cornerRadius=2).encode(x=period, y=minutes, tooltip=tips)
    return bars.properties(width="container", height=190)


@app.function
def named(kind, name):
    """A heading with a name, which is never read as markup."""
    return mo.Html(f'<h3 style="margin-bottom:0">{kind}: <b>{escape(name or "unknown")}</b></h3>')


@app.cell(hide_code=True)
def _():
    opened()
    first, last = (
        ask("select min(played_on) as first, max(played_on) as last from gold.daily_listening").to_pylist()[0].values()
    )
    mo.stop(first is None, mo.callout(mo.md("**Nothing was played yet.** Import a history."), kind="warn"))
    days = mo.ui.date_range(start=first, stop=last, value=(first, last), label="Days")
    mo.vstack([mo.md("# Listening"), days])
    return (days,)


@app.cell(hide_code=True)
def _(days):
    span = {"first": days.value[0], "last": days.value[1]}
    gaps = ask(
        """
        select count(*) as gaps, coalesce(sum(missing_at_least), 0)::bigint as missing from gold.completeness
        where state = 'gap' and timezone($zone, from_at)::date <= $last and timezone($zone, to_at)::date >= $first
        """,
        {**span, "zone": settings().timezone},
    ).to_pylist()[0]
    sums = ask(
        """
        select coalesce(sum(plays), 0)::bigint as plays, coalesce(round(sum(ms_played) / 60000), 0)::bigint as minutes,
            count(*) as days, coalesce(sum(new_artists), 0)::bigint as new_artists,
            coalesce(sum(new_tracks), 0)::bigint as new_songs
        from gold.daily_listening where played_on between $first and $last
        """,
        span,
    ).to_pylist()[0]
    least = "at least " if gaps["gaps"] else ""
    if mo.app_meta().mode == "script":
        sys.stdout.write(f"{span['first']} to {span['last']}\n")
        sys.stdout.write("".join(f"  {name} {least}{value:,}\n" for name, value in sums.items()))
    tiles = [mo.stat(f"{least}{value:,}", label=name.replace("_", " "), bordered=True) for name, value in sums.items()]
    warning = mo.callout(
        mo.md(f"A gap in the history: at least {gaps['missing']:,} plays are missing, numbers are minimums."),
        kind="warn",
    )
    mo.vstack([mo.hstack(tiles, wrap=True, justify="start"), *([warning] if gaps["gaps"] else [])])
    return (span,)


@app.cell(hide_code=True)
def _(span):
    grain = "day" if (span["last"] - span["first"]).days <= 92 else "month"
    overview = ask(
        f"""
        select date_trunc('{grain}', played_on)::date as period, sum(plays)::bigint as plays,
            sum(ms_played)::bigint / 60000 as minutes
        from gold.daily_listening where played_on between $first and $last group by all order by all
        """,
        span,
    )
    clock = ask(
        "select weekday, hour, sum(plays)::bigint as plays from gold.daily_clock"
        " where played_on between $first and $last group by all",
        span,
    )
    heat = (
        alt.Chart(clock)
        .transform_calculate(day=DAYS)
        .mark_rect(cornerRadius=3)
        .encode(
            x=alt.X("hour:O", title="hour", scale=alt.Scale(domain=list(range(24)))),
            y=alt.Y("day:N", title=None, sort=alt.SortField("weekday")),
            color=alt.Color("plays:Q", scale=alt.Scale(scheme="purplered"), title="plays"),
            tooltip=["day:N", "hour:O", alt.Tooltip("plays:Q", format=",")],
        )
        .properties(width="container", height=190)
    )
    mo.vstack([mo.md("## Over time"), over_time(overview, grain), mo.md("## Clock"), heat])
    return (grain,)


@app.cell(hide_code=True)
def _(span):
    artists = ask(
        """
        select row_number() over (order by sum(d.plays) desc, sum(d.ms_played) desc, artist_key) as rank,
            a.artist_name as artist, sum(d.plays)::bigint as plays,
            round(sum(d.ms_played) / 60000)::bigint as minutes, artist_key
        from gold.daily_artists as d inner join gold.listened_artists as a using (artist_key)
        where played_on between $first and $last
        group by artist_key, a.artist_name order by rank limit 200
        """,
        span,
    )
    if mo.app_meta().mode == "script":
        for _row in artists.slice(0, 5).to_pylist():
            sys.stdout.write(f"  {_row['rank']}. {_row['artist']}: {_row['plays']:,} plays\n")
    artist = mo.ui.table(
        artists, selection="single", initial_selection=[0] if artists.num_rows else [], page_size=10,
        hidden_columns=["artist_key"], show_data_types=False, show_column_summaries=False,
        label="Choose an artist",
    )  # fmt: skip
    mo.vstack([mo.md("## Artists"), artist])
    return (artist,)


@app.cell(hide_code=True)
def _(artist, grain, span):
    mo.stop(not artist.value.num_rows, mo.md("Choose an artist above to see the songs."))
    chosen = artist.value.to_pylist()[0]
    _values = {**span, "key": chosen["artist_key"]}
    months = ask(
        f"""
        select date_trunc('{grain}', played_on)::date as period, sum(plays)::bigint as plays,
            sum(ms_played)::bigint / 60000 as minutes
        from gold.daily_artists where artist_key = $key and played_on between $first and $last group by all order by all
        """,
        _values,
    )
    songs = ask(
        """
        select t.track_name as song, t.album_name as album, sum(d.plays)::bigint as plays,
            round(sum(d.ms_played) / 60000)::bigint as minutes, recording_id
        from gold.daily_tracks as d inner join gold.listened_tracks as t using (recording_id)
        where t.artist_key = $key and played_on between $first and $last
        group by recording_id, t.track_name, t.album_name order by plays desc, minutes desc, recording_id
        """,
        _values,
    )
    song = mo.ui.table(
        songs, selection="single", initial_selection=[0] if songs.num_rows else [], page_size=10,
        hidden_columns=["recording_id"], show_data_types=False, show_column_summaries=False,
        label="Choose a song",
    )  # fmt: skip
    mo.vstack([named("Artist", chosen["artist"]), over_time(months, grain), song])
    return (song,)


@app.cell(hide_code=True)
def _(grain, song, span):
    mo.stop(not song.value.num_rows, mo.md("Choose a song above to see when it was played."))
    picked = song.value.to_pylist()[0]
    played = ask(
        f"""
        select date_trunc('{grain}', played_on)::date as period, sum(plays)::bigint as plays,
            sum(ms_played)::bigint / 60000 as minutes
        from gold.daily_tracks where recording_id = $key and played_on between $first and $last
        group by all order by all
        """,
        {**span, "key": picked["recording_id"]},
    )
    ever = ask(
        "select plays, streams, skips, finishes, first_played_on::varchar as first, last_played_on::varchar as last"
        " from gold.listened_tracks where recording_id = $key",
        {"key": picked["recording_id"]},
    )
    facts = mo.ui.table(
        ever, selection=None, show_data_types=False, show_column_summaries=False, show_search=False,
        show_download=False, label="Ever",
    )  # fmt: skip
    mo.vstack([named("Song", picked["song"]), over_time(played, grain), facts])
    return


if __name__ == "__main__":
    app.run()
