{#
    Each record is a contest: of the rows of one relation the best few by one number, found without sorting all. All
    relations have the same columns, so that the contests are data.
#}
{% set contests = [
    ('biggest_day_by_plays', 'days', 'plays', 'plays', 5),
    ('biggest_day_by_time', 'days', 'ms_played', 'ms', 5),
    ('most_discoveries_in_a_day', 'days', 'new_tracks', 'tracks', 5),
    ('longest_session', 'sessions', 'ms_played', 'ms', 5),
    ('longest_streak', 'streaks', 'days', 'days', 5),
    ('longest_break', 'breaks', 'days', 'days', 3),
    ('most_replayed_track_in_a_day', 'track_days', 'plays', 'plays', 5),
    ('most_played_artist_in_a_day', 'artist_days', 'plays', 'plays', 5),
    ('most_faithful_artist', 'artists', 'days', 'days', 5),
    ('one_hit_obsession', 'one_hits', 'plays', 'plays', 10),
] %}
{% set milestones = [
    1, 100, 1000, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
] %}
{% set one_hit_share = 0.8 %}
{% set one_hit_plays = 10 %}

with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted
),

daily as (
    select * from {{ ref('daily_listening') }}
),

days as (
    select
        played_on as happened_on,
        cast(null as {{ instant_type() }}) as happened_at,
        cast(null as {{ text_type() }}) as recording_id,
        cast(null as {{ text_type() }}) as artist_key,
        cast(null as {{ text_type() }}) as session_id,
        plays,
        ms_played,
        new_tracks,
        is_minimum
    from daily
),

sessions as (
    select
        started_on as happened_on,
        started_at as happened_at,
        cast(null as {{ text_type() }}) as recording_id,
        cast(null as {{ text_type() }}) as artist_key,
        session_id,
        plays,
        ms_played,
        is_minimum
    from {{ ref('sessions') }}
),

streaks as (
    select
        started_on as happened_on,
        cast(null as {{ instant_type() }}) as happened_at,
        cast(null as {{ text_type() }}) as recording_id,
        cast(null as {{ text_type() }}) as artist_key,
        cast(null as {{ text_type() }}) as session_id,
        plays,
        ms_played,
        days,
        is_minimum
    from {{ ref('streaks') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

followed_streaks as (
    select
        ended_on,
        lead(started_on) over (order by started_on) as next_started_on
    from {{ ref('streaks') }}
),

-- the silent days between one streak and the next; where a gap lies between them nobody knows whether they were silent
breaks as (
    select
        {{ gold_add_days('ended_on', 1) }} as happened_on,
        cast(null as {{ instant_type() }}) as happened_at,
        cast(null as {{ text_type() }}) as recording_id,
        cast(null as {{ text_type() }}) as artist_key,
        cast(null as {{ text_type() }}) as session_id,
        cast(0 as bigint) as plays,
        cast(0 as bigint) as ms_played,
        {{ gold_days_between('ended_on', 'next_started_on') }} - 1 as days,
        false as is_minimum
    from followed_streaks
    left join gap_days
        on followed_streaks.ended_on < gap_days.gap_on and followed_streaks.next_started_on > gap_days.gap_on
    where followed_streaks.next_started_on is not null and gap_days.gap_on is null
),

named_tracks as (
    select * from {{ ref('listened_tracks') }}
    where {{ gold_is_named(['track', 'artist']) }}
),

named_artists as (
    select * from {{ ref('listened_artists') }}
    where {{ gold_is_named(['artist']) }}
),

track_days as (
    select
        played_on as happened_on,
        min(first_played_at) as happened_at,
        recording_id,
        cast(null as {{ text_type() }}) as artist_key,
        cast(null as {{ text_type() }}) as session_id,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        false as is_minimum
    from {{ ref('daily_tracks') }}
    where recording_id in (select named_tracks.recording_id from named_tracks)
    group by played_on, recording_id
),

artist_days as (
    select
        played_on as happened_on,
        first_played_at as happened_at,
        cast(null as {{ text_type() }}) as recording_id,
        artist_key,
        cast(null as {{ text_type() }}) as session_id,
        plays,
        ms_played,
        false as is_minimum
    from {{ ref('daily_artists') }}
    where artist_key in (select named_artists.artist_key from named_artists)
),

artists as (
    select
        first_played_on as happened_on,
        first_played_at as happened_at,
        cast(null as {{ text_type() }}) as recording_id,
        artist_key,
        cast(null as {{ text_type() }}) as session_id,
        plays,
        ms_played,
        days,
        is_minimum
    from named_artists
),

-- an artist of whom it is nearly always the same song
one_hits as (
    select
        tracks.first_played_on as happened_on,
        tracks.first_played_at as happened_at,
        tracks.recording_id,
        tracks.artist_key,
        cast(null as {{ text_type() }}) as session_id,
        tracks.plays,
        tracks.ms_played,
        tracks.is_minimum
    from named_tracks as tracks
    inner join named_artists as its_artist on tracks.artist_key = its_artist.artist_key
    where tracks.plays >= {{ one_hit_plays }} and tracks.plays >= {{ one_hit_share }} * its_artist.plays
),

{% for record, relation, measure, unit, kept in contests -%}
    {{ record }}_best as (
        select * from {{ relation }}
        where {{ measure }} > 0
        order by
            {{ measure }} desc, ms_played desc, happened_on asc,
            recording_id asc, artist_key asc, session_id asc
        limit {{ kept }}
    ),

    {{ record }} as (
        select
            '{{ record }}' as record,
            row_number() over (
                order by
                    {{ measure }} desc, ms_played desc, happened_on asc,
                    recording_id asc, artist_key asc, session_id asc
            ) as place,
            cast({{ measure }} as bigint) as record_value,
            '{{ unit }}' as unit,
            happened_on,
            happened_at,
            recording_id,
            artist_key,
            session_id,
            plays,
            ms_played,
            is_minimum
        from {{ record }}_best
    ),

{% endfor -%}
running as (
    select
        played_on,
        plays,
        cast(sum(plays) over (order by played_on rows between unbounded preceding and current row) as bigint) as total
    from daily
),

milestones as (
    {% for number in milestones -%}
        select cast({{ number }} as bigint) as milestone{{ ' union all' if not loop.last }}
    {% endfor %}
),

first_gap as (
    select min(gap_on) as gap_on from gap_days
),

-- a play that was missed before would have made it earlier
milestone_days as (
    select
        milestones.milestone,
        running.played_on,
        coalesce(running.played_on >= first_gap.gap_on, false) as is_minimum,
        milestones.milestone - (running.total - running.plays) as number_in_day
    from milestones
    inner join running
        on milestones.milestone <= running.total and milestones.milestone > running.total - running.plays
    cross join first_gap
),

numbered as (
    select
        *,
        row_number() over (partition by played_on order by played_at, play_id) as number_in_day
    from plays
    where played_on in (select milestone_days.played_on from milestone_days)
),

reached as (
    select
        'milestone' as record,
        row_number() over (order by milestone_days.milestone) as place,
        milestone_days.milestone as record_value,
        'plays' as unit,
        numbered.played_on as happened_on,
        numbered.played_at as happened_at,
        numbered.recording_id,
        numbered.artist_key,
        numbered.session_id,
        cast(1 as bigint) as plays,
        numbered.ms_played,
        milestone_days.is_minimum
    from milestone_days
    inner join numbered
        on
            milestone_days.played_on = numbered.played_on
            and milestone_days.number_in_day = numbered.number_in_day
),

entries as (
    {% for record, relation, measure, unit, kept in contests -%}
        select * from {{ record }}
        union all
    {% endfor -%}
    select * from reached
),

final as (
    select
        entries.record,
        entries.place,
        entries.record_value as value,
        entries.unit,
        entries.happened_on,
        entries.happened_at,
        entries.recording_id,
        tracks.track_id,
        tracks.track_name,
        coalesce(entries.artist_key, tracks.artist_key) as artist_key,
        coalesce(named.artist_id, tracks.artist_id) as artist_id,
        coalesce(named.artist_name, tracks.artist_name) as artist_name,
        entries.session_id,
        entries.plays,
        entries.ms_played,
        coalesce(entries.is_minimum or daily.is_minimum, entries.is_minimum) as is_minimum
    from entries
    left join {{ ref('listened_tracks') }} as tracks on entries.recording_id = tracks.recording_id
    left join {{ ref('listened_artists') }} as named on entries.artist_key = named.artist_key
    left join daily on entries.happened_on = daily.played_on
)

select * from final
