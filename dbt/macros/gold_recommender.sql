{#
    Heat: plays that fade with time, half of them after `half_life` days. Fading is a factor, so everything before the
    earliest case is summed once and then only faded; what is younger is added case by case. In whole millionths, so
    that the sum is the same in every order.
#}
{% macro gold_fading(plays, played_on, cut_on, half_life) -%}
    cast(round({{ plays }} * 1000000 * pow(0.5, ({{ cut_on }} - {{ played_on }}) / {{ half_life }}.0)) as bigint)
{%- endmacro %}

{# ctes `first_cut`, `base`, `young`, `told`, `summed`: sums of `days` by `keys` and case; `old` names what of base goes on #}
{% macro gold_heat_base(keys, half_lives) -%}
{%- set columns = keys | join(', ') -%}
first_cut as (
    select min(cut_on) as cut_on
    from cases
),

base as (
    select
        {{ columns }},
        {% for half_life in half_lives -%}
        sum({{ gold_fading('days.plays', 'days.played_on', 'first_cut.cut_on', half_life) }}) as heat_{{ half_life }},
        {% endfor -%}
        sum(days.plays) as plays,
        sum(days.streams) as streams,
        sum(days.skips) as skips,
        sum(days.finishes) as finishes,
        max(days.played_on) as last_on,
        max(case when days.plays > 0 then days.played_on end) as last_played_on,
        max(case when days.finishes > 0 then days.played_on end) as last_finished_on
    from days
    cross join first_cut
    where days.played_on < first_cut.cut_on
    group by {{ columns }}
),

young as (
    select days.*
    from days
    cross join first_cut
    where days.played_on >= first_cut.cut_on
)
{%- endmacro %}

{% macro gold_heat(keys, half_lives, old='base') -%}
{%- set columns = keys | join(', ') -%}
told as (
    select
        cases.case_id,
        {{ columns }},
        {% for half_life in half_lives -%}
        cast(round(base.heat_{{ half_life }} * pow(0.5, (cases.cut_on - first_cut.cut_on) / {{ half_life }}.0)) as bigint)
            as heat_{{ half_life }},
        {% endfor -%}
        base.plays,
        base.streams,
        base.skips,
        base.finishes,
        base.last_on,
        base.last_played_on,
        base.last_finished_on
    from {{ old }} as base
    cross join first_cut
    cross join cases
    union all
    select
        cases.case_id,
        {{ columns }},
        {% for half_life in half_lives -%}
        {{ gold_fading('young.plays', 'young.played_on', 'cases.cut_on', half_life) }} as heat_{{ half_life }},
        {% endfor -%}
        young.plays,
        young.streams,
        young.skips,
        young.finishes,
        young.played_on as last_on,
        case when young.plays > 0 then young.played_on end as last_played_on,
        case when young.finishes > 0 then young.played_on end as last_finished_on
    from young
    inner join cases on young.played_on < cases.cut_on
),

summed as (
    select
        case_id,
        {{ columns }},
        {% for half_life in half_lives -%}
        cast(sum(heat_{{ half_life }}) as double) / 1000000 as heat_{{ half_life }},
        {% endfor -%}
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('streams') }} as streams,
        {{ gold_sum('skips') }} as skips,
        {{ gold_sum('finishes') }} as finishes,
        max(last_on) as last_on,
        max(last_played_on) as last_played_on,
        max(last_finished_on) as last_finished_on
    from told
    group by case_id, {{ columns }}
)
{%- endmacro %}

{# even numbers from text: the same shuffle on every machine #}
{% macro gold_shuffle(text) -%}
    md5('shuffle|' || {{ text }})
{%- endmacro %}

{# features in which tracks are compared; those whose distance means nothing, key and mode, are left out #}
{% macro gold_sound_features() -%}
    {{ return([
        'danceability', 'energy', 'loudness', 'speechiness', 'acousticness', 'instrumentalness', 'valence', 'tempo',
    ]) }}
{%- endmacro %}

{# cosine of two standardised sounds, to six places: what lies beyond depends on the order of additions #}
{% macro gold_likeness(one, other) -%}
    round(coalesce(
        ({% for feature in gold_sound_features() %}{{ one }}.{{ feature }} * {{ other }}.{{ feature }}{{ ' + ' if not loop.last }}{% endfor %})
        / nullif(
            sqrt({% for feature in gold_sound_features() %}{{ one }}.{{ feature }} * {{ one }}.{{ feature }}{{ ' + ' if not loop.last }}{% endfor %})
            * sqrt({% for feature in gold_sound_features() %}{{ other }}.{{ feature }} * {{ other }}.{{ feature }}{{ ' + ' if not loop.last }}{% endfor %}),
            0
        ), 0
    ), 6)
{%- endmacro %}

{# a feature in spreads from the mean of the catalog #}
{% macro gold_standardised(feature) -%}
    ((tracks.{{ feature }} - sounds.{{ feature }}_mean) / nullif(sounds.{{ feature }}_spread, 0))
{%- endmacro %}
