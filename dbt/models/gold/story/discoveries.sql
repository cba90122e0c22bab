with

daily_tracks as (
    select * from {{ ref('daily_tracks') }}
),

daily_artists as (
    select * from {{ ref('daily_artists') }}
),

daily_albums as (
    select * from {{ ref('daily_albums') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

{% for item, key in [('track', 'recording_id'), ('artist', 'artist_key'), ('album', 'album_key')] -%}
    {{ item }}_months as (
        select
            {{ gold_month('played_on') }} as month,
            {{ key }},
            {{ gold_sum('plays') }} as plays,
            {{ gold_sum('ms_played') }} as ms_played
        from daily_{{ item }}s
        group by {{ gold_month('played_on') }}, {{ key }}
    ),

    {{ item }}_firsts as (
        select
            {{ key }},
            min(month) as first_month
        from {{ item }}_months
        group by {{ key }}
    ),

    {{ item }}_counts as (
        select
            {{ item }}_months.month,
            count(*) as items,
            {{ gold_count_if(item ~ '_months.month = ' ~ item ~ '_firsts.first_month') }} as new_items,
            {{ gold_sum(item ~ '_months.plays') }} as plays,
            {{ gold_sum(item ~ '_months.ms_played') }} as ms_played,
            {{ gold_sum_if(item ~ '_months.plays', item ~ '_months.month = ' ~ item ~ '_firsts.first_month') }}
                as new_plays
        from {{ item }}_months
        inner join {{ item }}_firsts on {{ item }}_months.{{ key }} = {{ item }}_firsts.{{ key }}
        group by {{ item }}_months.month
    ),

{% endfor -%}
gap_months as (
    select distinct {{ gold_month('gap_on') }} as month
    from gap_days
),

final as (
    select
        track_counts.month,
        track_counts.plays,
        track_counts.ms_played,
        artist_counts.items as artists,
        track_counts.items as tracks,
        coalesce(album_counts.items, 0) as albums,
        artist_counts.new_items as new_artists,
        track_counts.new_items as new_tracks,
        coalesce(album_counts.new_items, 0) as new_albums,
        artist_counts.new_plays as plays_of_new_artists,
        track_counts.new_plays as plays_of_new_tracks,
        gap_months.month is not null as is_minimum
    from track_counts
    inner join artist_counts on track_counts.month = artist_counts.month
    left join album_counts on track_counts.month = album_counts.month
    left join gap_months on track_counts.month = gap_months.month
)

select * from final
