{#
    One-to-one matching of plays with the observations of one more feed.

    `windows` (play_key, match_key, from_ms, to_ms, turn): where in time an observation of this play may lie; `turn` orders
    windows that end together.
    `points` (observation_key, match_key, at_ms): the observations.
    Both may carry `ms_played`; `only_where` may compare them (as `windows.` and `points.`).

    A point may belong to a play of the same key whose window holds it. Where that is one play and one point, they
    match. Where several compete (the same track in a row), plays in the order of their ends take the earliest free
    point: among windows of which none holds another, this gives the most matches that there can be. It looks only at
    what competes, so the result for a stretch of time never depends on anything outside it, nor on the order of rows.

    Also leaves `<name>_stretches`: the plays that compete, with the stretch in which they do.

    Candidates are found by an equality join on key and time bucket: the work grows with the rows, however often one
    track was played.
#}
{% macro match_pass(name, windows, points, only_where='true', bucket_ms=1800000) -%}
    {{ name }}_buckets as (
        select
            *,
            {{ unnest_range(floor_divide('from_ms', bucket_ms), floor_divide('to_ms', bucket_ms)) }} as bucket
        from {{ windows }}
    ),

    {{ name }}_pairs as (
        select
            windows.play_key,
            windows.match_key,
            windows.from_ms,
            windows.to_ms,
            windows.turn,
            points.observation_key,
            points.at_ms
        from {{ name }}_buckets as windows
        inner join {{ points }} as points
            on
                windows.match_key = points.match_key
                and windows.bucket = {{ floor_divide('points.at_ms', bucket_ms) }}
                and points.at_ms between windows.from_ms and windows.to_ms
        where {{ only_where }}
    ),

    {{ name }}_counted as (
        select
            *,
            count(*) over (partition by play_key) as points_of_play,
            count(*) over (partition by observation_key) as plays_of_point
        from {{ name }}_pairs
    ),

    {{ name }}_contested as (
        select
            *,
            dense_rank() over (partition by match_key order by at_ms, observation_key) as place
        from {{ name }}_counted
        where points_of_play > 1 or plays_of_point > 1
    ),

    {{ name }}_reaches as (
        select
            match_key,
            to_ms,
            turn,
            from_ms,
            play_key,
            min(place) as first_place,
            max(place) as last_place
        from {{ name }}_contested
        group by match_key, to_ms, turn, from_ms, play_key
    ),

    {{ name }}_breaks as (
        select
            *,
            case
                when first_place > max(last_place) over (
                    partition by match_key order by to_ms, turn, from_ms, play_key
                    rows between unbounded preceding and 1 preceding
                ) then 1 else 0
            end as is_break
        from {{ name }}_reaches
    ),

    {{ name }}_stretches as (
        select
            *,
            sum(is_break) over (
                partition by match_key order by to_ms, turn, from_ms, play_key rows unbounded preceding
            ) as stretch
        from {{ name }}_breaks
    ),

    {{ name }}_queues as (
        select
            match_key,
            {{ sorted_list(record({
                'to_ms': 'to_ms', 'turn': 'turn', 'from_ms': 'from_ms', 'play_key': 'play_key',
                'first_place': 'first_place', 'last_place': 'last_place',
            })) }} as plays
        from {{ name }}_stretches
        group by match_key, stretch
    ),

    {{ name }}_served as (
        select match_key, {{ serve_in_order('plays') }} as plays from {{ name }}_queues
    ),

    {{ name }}_served_plays as (
        select match_key, {{ unnest_list('plays') }} as play from {{ name }}_served
    ),

    {{ name }}_matches as (
        select play_key, observation_key
        from {{ name }}_counted
        where points_of_play = 1 and plays_of_point = 1
        union all
        select contested.play_key, contested.observation_key
        from {{ name }}_served_plays as served
        inner join {{ name }}_contested as contested
            on
                served.match_key = contested.match_key
                and served.play.play_key = contested.play_key
                and served.play.place = contested.place
    )
{%- endmacro %}

{#
    Matching in two sharpnesses: who lies within the sharp window is taken first, the rest within the wide one. Where that
    leaves a stretch with fewer matches than the wide windows alone would give, these decide: an observation without a
    play would count as one play more. The sharp window of a play must lie within its wide one.
    Leaves `<name>_matches`.
#}
{% macro match_sharp_then_wide(name, sharp_windows, wide_windows, points) -%}
    {{ match_pass(name ~ '_sharp', sharp_windows, points) }},

    {{ name }}_rest_windows as ({{ left_over(wide_windows, 'play_key', [name ~ '_sharp']) }}),

    {{ name }}_rest_points as ({{ left_over(points, 'observation_key', [name ~ '_sharp']) }}),

    {{ match_pass(name ~ '_rest', name ~ '_rest_windows', name ~ '_rest_points') }},

    {{ match_pass(name ~ '_wide', wide_windows, points) }},

    {{ name }}_both as (
        select play_key, observation_key, 1 as is_sharp from {{ name }}_sharp_matches
        union all
        select play_key, observation_key, 1 from {{ name }}_rest_matches
        union all
        select play_key, observation_key, 0 from {{ name }}_wide_matches
    ),

    {{ name }}_placed as (
        select
            both_ways.play_key,
            both_ways.observation_key,
            both_ways.is_sharp,
            stretches.stretch,
            sum(both_ways.is_sharp) over (partition by stretches.match_key, stretches.stretch) as sharp_count,
            sum(1 - both_ways.is_sharp) over (partition by stretches.match_key, stretches.stretch) as wide_count
        from {{ name }}_both as both_ways
        left join {{ name }}_wide_stretches as stretches on both_ways.play_key = stretches.play_key
    ),

    {{ name }}_matches as (
        select play_key, observation_key
        from {{ name }}_placed
        where case when stretch is null or sharp_count >= wide_count then is_sharp = 1 else is_sharp = 0 end
    )
{%- endmacro %}

{#
    Gives each play of a queue the first place that is free and within its reach, and 0 where there is none. The list
    that is carried along begins with the place given last.
#}
{% macro serve_in_order(plays) -%} {{ return(adapter.dispatch('serve_in_order', 'lakehouse')(plays)) }} {%- endmacro %}

{% macro default__serve_in_order(plays) -%}
    list_transform(
        list_zip(
            {{ plays }},
            list_reduce(
                list_transform({{ plays }}, lambda p: [p.first_place, p.last_place]),
                lambda given, reach: case
                    when greatest(given[1] + 1, reach[1]) <= reach[2]
                        then list_append(list_prepend(greatest(given[1] + 1, reach[1]), given[2:]), greatest(given[1] + 1, reach[1]))
                    else list_append(given, 0)
                end,
                [cast(0 as bigint)]
            )[2:]
        ),
        lambda pair: {'play_key': pair[1].play_key, 'place': pair[2]}
    )
{%- endmacro %}

{% macro spark__serve_in_order(plays) -%}
    zip_with(
        {{ plays }},
        slice(
            aggregate(
                {{ plays }},
                array(cast(0 as bigint)),
                (given, p) -> case
                    when greatest(given[0] + 1, p.first_place) <= p.last_place
                        then concat(
                            array(greatest(given[0] + 1, p.first_place)),
                            slice(given, 2, size(given) - 1),
                            array(greatest(given[0] + 1, p.first_place))
                        )
                    else concat(given, array(cast(0 as bigint)))
                end
            ),
            2,
            size({{ plays }})
        ),
        (p, place) -> named_struct('play_key', p.play_key, 'place', place)
    )
{%- endmacro %}
