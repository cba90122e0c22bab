{{ config(meta={'at': 'coalesce(ended_at, started_at)'}) }}

with streams as (
    select * from {{ ref('stg_spotify_export__streams') }}
),

account_streams as (
    select * from {{ ref('stg_spotify_export__account_streams') }}
),

lastfm_scrobbles as (
    select * from {{ ref('stg_spotify_export__lastfm_scrobbles') }}
),

listenbrainz_listens as (
    select * from {{ ref('stg_spotify_export__listenbrainz_listens') }}
),

api_plays as (
    select * from {{ ref('stg_spotify_api__plays') }}
),

rejects as (
    select * from {{ ref('stg_spotify_export__rejects') }}
    where row_number is not null
),

files as (
    select * from {{ ref('stg_spotify_export__files') }}
),

-- account data of older vintages mixes podcasts with music; the extended export knows their names
podcasts as (
    select distinct
        episode_show_name,
        episode_name
    from streams
    where episode_name is not null
),

extended as (
    select
        'extended' as source,
        file_id,
        row_number,
        {{ md5_key([
            to_ms('ended_at'),
            "coalesce(track_uri, artist_name || " ~ unit_separator() ~ " || track_name, episode_uri, "
            ~ "audiobook_chapter_uri, audiobook_uri)",
            'ms_played',
        ]) }} as natural_key,
        case
            when ended_at is null then 'rejected'
            when file_kind = 'video' then 'video'
            when file_kind = 'podcast' or episode_uri is not null or episode_name is not null then 'podcast'
            when coalesce(audiobook_uri, audiobook_title, audiobook_chapter_uri) is not null then 'audiobook'
            else 'music'
        end as content,
        -- two streams of one length do not end in the same second: identical rows are one stream told twice
        1 as most_occurrences,
        track_id,
        coalesce(nullif(artist_name, ''), case when track_id is null then 'Unknown Artist' end) as artist_name,
        coalesce(nullif(track_name, ''), case when track_id is null then 'Unknown Track' end) as track_name,
        album_name,
        cast(null as {{ text_type() }}) as isrc,
        ended_at,
        cast(null as {{ instant_type() }}) as started_at,
        ms_played,
        cast(null as bigint) as duration_ms,
        is_incognito,
        is_skipped,
        platform,
        reason_start,
        reason_end
    from streams
),

account as (
    select
        'account' as source,
        account_streams.file_id,
        account_streams.row_number,
        {{ md5_key([
            to_ms('account_streams.ended_at'),
            'account_streams.artist_name',
            'account_streams.track_name',
            'account_streams.ms_played',
        ]) }} as natural_key,
        case
            when account_streams.ended_at is null then 'rejected'
            when account_streams.file_kind = 'video' then 'video'
            when account_streams.file_kind = 'podcast' or podcasts.episode_name is not null then 'podcast'
            when account_streams.file_kind = 'audiobook' then 'audiobook'
            else 'music'
        end as content,
        -- as many streams of one length as can end within a minute
        case
            when account_streams.ms_played = 0 then 1000000
            else {{ floor_divide('59999', 'account_streams.ms_played') }} + 1
        end as most_occurrences,
        cast(null as {{ text_type() }}) as track_id,
        coalesce(nullif(account_streams.artist_name, ''), 'Unknown Artist') as artist_name,
        coalesce(nullif(account_streams.track_name, ''), 'Unknown Track') as track_name,
        cast(null as {{ text_type() }}) as album_name,
        cast(null as {{ text_type() }}) as isrc,
        account_streams.ended_at,
        cast(null as {{ instant_type() }}) as started_at,
        account_streams.ms_played,
        cast(null as bigint) as duration_ms,
        false as is_incognito,
        cast(null as boolean) as is_skipped,
        cast(null as {{ text_type() }}) as platform,
        cast(null as {{ text_type() }}) as reason_start,
        cast(null as {{ text_type() }}) as reason_end
    from account_streams
    left join podcasts
        on
            account_streams.artist_name = podcasts.episode_show_name
            and account_streams.track_name = podcasts.episode_name
),

api as (
    select
        'api' as source,
        cast(null as {{ text_type() }}) as file_id,
        cast(null as bigint) as row_number,
        {{ md5_key([to_ms('played_at'), 'track_uri']) }} as natural_key,
        'music' as content,
        1 as most_occurrences,
        track_id,
        coalesce(
            {{ list_item('artist_names', 1) }}, case when track_id is null then 'Unknown Artist' end
        ) as artist_name,
        coalesce(track_name, case when track_id is null then 'Unknown Track' end) as track_name,
        album_name,
        isrc,
        played_at as ended_at,
        cast(null as {{ instant_type() }}) as started_at,
        cast(null as bigint) as ms_played,
        duration_ms,
        false as is_incognito,
        cast(null as boolean) as is_skipped,
        cast(null as {{ text_type() }}) as platform,
        cast(null as {{ text_type() }}) as reason_start,
        cast(null as {{ text_type() }}) as reason_end
    from api_plays
),

listenbrainz as (
    select
        'listenbrainz' as source,
        file_id,
        row_number,
        {{ md5_key([to_ms('started_at'), 'artist_name', 'track_name']) }} as natural_key,
        case when started_at is null then 'rejected' else 'music' end as content,
        1 as most_occurrences,
        track_id,
        coalesce(nullif(artist_name, ''), 'Unknown Artist') as artist_name,
        coalesce(nullif(track_name, ''), 'Unknown Track') as track_name,
        album_name,
        isrc,
        cast(null as {{ instant_type() }}) as ended_at,
        started_at,
        ms_played,
        duration_ms,
        false as is_incognito,
        cast(null as boolean) as is_skipped,
        cast(null as {{ text_type() }}) as platform,
        cast(null as {{ text_type() }}) as reason_start,
        cast(null as {{ text_type() }}) as reason_end
    from listenbrainz_listens
),

lastfm as (
    select
        'lastfm' as source,
        file_id,
        row_number,
        {{ md5_key([to_ms('started_at'), 'artist_name', 'track_name']) }} as natural_key,
        case when started_at is null then 'rejected' else 'music' end as content,
        1 as most_occurrences,
        cast(null as {{ text_type() }}) as track_id,
        coalesce(nullif(artist_name, ''), 'Unknown Artist') as artist_name,
        coalesce(nullif(track_name, ''), 'Unknown Track') as track_name,
        album_name,
        cast(null as {{ text_type() }}) as isrc,
        cast(null as {{ instant_type() }}) as ended_at,
        started_at,
        cast(null as bigint) as ms_played,
        cast(null as bigint) as duration_ms,
        false as is_incognito,
        cast(null as boolean) as is_skipped,
        cast(null as {{ text_type() }}) as platform,
        cast(null as {{ text_type() }}) as reason_start,
        cast(null as {{ text_type() }}) as reason_end
    from lastfm_scrobbles
),

rejected as (
    select
        files.feed as source,
        rejects.file_id,
        rejects.row_number,
        {{ md5_key(['rejects.file_id', 'rejects.row_number']) }} as natural_key,
        'rejected' as content,
        1 as most_occurrences,
        cast(null as {{ text_type() }}) as track_id,
        cast(null as {{ text_type() }}) as artist_name,
        cast(null as {{ text_type() }}) as track_name,
        cast(null as {{ text_type() }}) as album_name,
        cast(null as {{ text_type() }}) as isrc,
        cast(null as {{ instant_type() }}) as ended_at,
        cast(null as {{ instant_type() }}) as started_at,
        cast(null as bigint) as ms_played,
        cast(null as bigint) as duration_ms,
        false as is_incognito,
        cast(null as boolean) as is_skipped,
        cast(null as {{ text_type() }}) as platform,
        cast(null as {{ text_type() }}) as reason_start,
        cast(null as {{ text_type() }}) as reason_end
    from rejects
    inner join files on rejects.file_id = files.file_id
),

final as (
    select * from extended
    union all
    select * from account
    union all
    select * from api
    union all
    select * from listenbrainz
    union all
    select * from lastfm
    union all
    select * from rejected
)

select * from final
