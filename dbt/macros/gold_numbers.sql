{# sums and means that are the same whatever order the rows come in: floats are added as decimals #}

{% macro gold_sum(number) -%}
    cast(coalesce(sum({{ number }}), 0) as bigint)
{%- endmacro %}

{% macro gold_count_if(condition) -%}
    cast(coalesce(sum(case when {{ condition }} then 1 else 0 end), 0) as bigint)
{%- endmacro %}

{% macro gold_sum_if(number, condition) -%}
    cast(coalesce(sum(case when {{ condition }} then {{ number }} else 0 end), 0) as bigint)
{%- endmacro %}

{# a float as an exact number: 18 places keep the small ones, a value beyond 10^10 counts as unknown #}
{% macro gold_exact(number) -%}
    try_cast({{ number }} as decimal(28, 18))
{%- endmacro %}

{% macro gold_mean(number) -%}
    (cast(sum({{ gold_exact(number) }}) as double) / nullif(count({{ gold_exact(number) }}), 0))
{%- endmacro %}

{# mean of a feature, each row weighted by a bigint; null where no row knows the feature #}
{% macro gold_weighted_mean(number, weight) -%}
    (
        cast(sum(try_cast({{ number }} * {{ weight }} as decimal(38, 12))) as double)
        / nullif(cast(sum(case when {{ number }} is not null then {{ weight }} end) as double), 0)
    )
{%- endmacro %}

{# share of a whole between 0 and 1; null where the whole is nothing #}
{% macro gold_share(part, whole) -%}
    (cast({{ part }} as double) / nullif(cast({{ whole }} as double), 0))
{%- endmacro %}

{% macro gold_audio_features() -%}
    {{ return([
        'danceability', 'energy', 'key', 'loudness', 'mode', 'speechiness', 'acousticness',
        'instrumentalness', 'liveness', 'valence', 'tempo', 'time_signature',
    ]) }}
{%- endmacro %}

{# the features of which a mean says something: a mean key or a mean time signature does not #}
{% macro gold_taste_features() -%}
    {{ return(gold_audio_features() | reject('in', ['key', 'time_signature']) | list) }}
{%- endmacro %}
