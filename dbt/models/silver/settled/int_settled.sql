{{ config(materialized='table', post_hook='{{ drop_before() }}') }}

{#- what the plays of before were made with; a row that says something else now may change any of them -#}
{%- set known = {
    'int_tracks': 'track_id, isrc, duration_ms, track_name, artist_id, album_id',
    'int_track_keys': 'track_id, match_key',
    'int_songs_by_name': 'name_key, track_id, match_key',
    'int_artists_by_name': 'artist_name, artist_id',
    'int_albums_by_name': 'name_key, album_id',
    'int_recordings': 'track_id, recording_id',
    'int_artists': 'artist_id, artist_name',
    'int_albums': 'album_id, album_name',
} -%}
{%- set fresh_from = env_var('LAKEHOUSE_FRESH_FROM', '') if execute and target.type == 'duckdb' else '' -%}

-- depends_on: {{ ref('int_tracks') }}
-- depends_on: {{ ref('int_track_keys') }}
-- depends_on: {{ ref('int_songs_by_name') }}
-- depends_on: {{ ref('int_artists_by_name') }}
-- depends_on: {{ ref('int_albums_by_name') }}
-- depends_on: {{ ref('int_recordings') }}
-- depends_on: {{ ref('int_artists') }}
-- depends_on: {{ ref('int_albums') }}
-- depends_on: {{ ref('int_name_keys') }}
-- depends_on: {{ ref('stg_spotify_api__plays') }}
-- depends_on: {{ ref('stg_spotify_export__listenbrainz_listens') }}
{% if not fresh_from -%}
    select
        cast(null as {{ instant_type() }}) as settled_before,
        'built anew' as reason
{%- else -%}
    with tracks_before as (
        select * from {{ before_of('int_tracks') }}
    ),

    observations as (
        select
            coalesce(ended_at, started_at) as told_at,
            ended_at is null as is_start,
            greatest(coalesce(ms_played, 0), coalesce(duration_ms, 0), 30000) as length_ms
        from {{ silver_place('int_observations') }}
    ),

    new_plays as (
        select
            plays.played_at as told_at,
            false as is_start,
            greatest(coalesce(plays.duration_ms, 0), coalesce(tracks.duration_ms, 0), 30000) as length_ms
        from {{ ref('stg_spotify_api__plays') }} as plays
        left join {{ ref('int_tracks') }} as tracks on plays.track_id = tracks.track_id
        where plays.played_at >= timestamptz '{{ fresh_from }}'
    ),

    {%- for name, columns in known.items() %}

    {{ name }}_came as (
        select {{ columns }} from {{ ref(name) }} as now
        anti join {{ before_of(name) }} as before using ({{ columns.split(',')[0] }})
    ),

    {{ name }}_changed as (
        select {{ columns }} from {{ before_of(name) }}
        except
        select {{ columns }} from {{ ref(name) }}
    ),
    {%- endfor %}

    unnamed as (
        select isrc from {{ ref('stg_spotify_export__listenbrainz_listens') }} where track_id is null
        union all
        select isrc from {{ ref('stg_spotify_api__plays') }} where track_id is null
    ),

    -- a track, song, artist or album of which nothing was known may claim plays of before
    reasons as (
        {%- for name in known %}
        select '{{ name }} changed' as reason from {{ name }}_changed
        union all
        {%- endfor %}
        select 'an ISRC came' from int_tracks_came inner join unnamed on int_tracks_came.isrc = unnamed.isrc
        union all
        select 'a name came' from int_track_keys_came semi join tracks_before using (track_id)
        union all
        select 'a song came' from int_songs_by_name_came semi join {{ ref('int_name_keys') }} using (name_key)
        union all
        select 'an artist came' from int_artists_came semi join tracks_before using (artist_id)
        union all
        select 'an album came' from int_albums_came semi join tracks_before using (album_id)
        union all
        select 'an album came by name' from int_albums_by_name_came
        union all
        select 'a play of a day' from observations where length_ms > 86400000
    ),

    -- sixty days before the first new play; where there is none, before the last play
    near_by as (
        select * from observations
        where told_at >= (
            select least(max(observations.told_at), timestamptz '{{ fresh_from }}') - interval 60 days from observations
        )
        union all
        select * from new_plays
    ),

    -- where in time an observation may have anything to do with another one, with room to spare; see the anchors
    reaches as (
        select
            {{ to_ms('told_at') }} - case when is_start then 0 else length_ms end - 1000000 as from_ms,
            {{ to_ms('told_at') }} + case when is_start then length_ms else 0 end + 200000 as to_ms
        from near_by
        where told_at is not null
    ),

    silences as (
        select
            from_ms,
            max(to_ms) over (order by from_ms rows between unbounded preceding and 1 preceding) as quiet_from_ms
        from reaches
    ),

    -- the last silence that ends before all that is new; what is older than these sixty days may reach a day into them
    last_silence as (
        select max(from_ms) as to_ms
        from silences
        where
            from_ms - quiet_from_ms > {{ [var('session_gap_minutes'), 10] | max }} * 60000
            and from_ms <= coalesce(
                (select min({{ to_ms('told_at') }} - length_ms) - 1000000 from new_plays), from_ms
            )
            and from_ms > (select min(from_ms) from reaches) + 3 * 86400000
    ),

    all_reasons as (
        select string_agg(distinct reason, ', ' order by reason) as reason from reasons
    )

    select
        case
            when all_reasons.reason is null
                then {{ from_ms("last_silence.to_ms - last_silence.to_ms % 60000") }}
        end as settled_before,
        coalesce(all_reasons.reason, case when last_silence.to_ms is null then 'no silence' end) as reason
    from last_silence
    cross join all_reasons
{%- endif %}
