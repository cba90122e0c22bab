{#
    How names are compared. A feed spells a song its own way: with or without accents, guests, "Remastered 2011". The
    comparable form keeps letters and digits of every script, and the marks of those where a mark makes another letter, so
    that Japanese, Thai or Cyrillic titles stay apart: й is not и, and ё, though often written so, is not е.
#}

{% macro comparable(text) -%}
    coalesce(
        nullif(trim({{ regexp_swap(plain_letters(small_letters(text)), '[^\\p{L}\\p{N}\\p{M}]+', ' ') }}), ''),
        {{ small_letters('trim(' ~ text ~ ')') }}
    )
{%- endmacro %}

{# the artist without guests: "A feat. B" is A #}
{% macro comparable_artist(name) -%}
    {{ comparable(regexp_swap(name, '(?i)\\s+[(\\[]?(feat|ft|featuring)\\.?\\s.*$', '')) }}
{%- endmacro %}

{# the title without guests and without the words that labels add to the same recording #}
{% macro comparable_title(name) -%}
    {{ comparable(regexp_swap(regexp_swap(regexp_swap(
        name,
        '(?i)\\s*[(\\[](feat|ft|featuring|with)\\.?\\s[^)\\]]*[)\\]]', ''),
        '(?i)\\s+(feat|ft|featuring)\\.?\\s.*$', ''),
        '(?i)\\s*(-\\s+|[(\\[])((\\d{4}\\s+)?(digital(ly)?\\s+)?re-?master(ed)?(\\s+version)?(\\s+\\d{4})?|(single|album|original|lp|deluxe)(\\s+(version|edition|mix))|bonus\\s+track)[)\\]]?$', '')) }}
{%- endmacro %}

{# a song by name: comparable artist and title #}
{% macro name_key(artist_name, track_name) -%}
    {{ comparable_artist(artist_name) }} || {{ unit_separator() }} || {{ comparable_title(track_name) }}
{%- endmacro %}

{# an album by the name that a feed tells, of an artist who is known #}
{% macro artist_album_key(artist_id, album_name) -%}
    {{ artist_id }} || {{ unit_separator() }} || {{ album_name }}
{%- endmacro %}

{#
    Whom or what each name means, of all that it may: the only one; of several, the one that is spelled so, then the most
    played. Of several of which none was played nobody knows which is meant.

    Steps over `met` (`key`, `id`, `told_name` of a feed, `known_name`) and `counts` (`id`, `plays`), the last is `best`.
#}
{% macro meant_by_name(key, id) -%}
namesakes as (
    select
        {{ key }},
        {{ id }},
        max(case when {{ small_letters('told_name') }} = {{ small_letters('known_name') }} then 1 else 0 end) as is_spelled_so
    from met
    group by {{ key }}, {{ id }}
),

counted as (
    select
        namesakes.*,
        counts.plays,
        count(*) over (partition by namesakes.{{ key }}) as namesakes
    from namesakes
    left join counts on namesakes.{{ id }} = counts.{{ id }}
),

candidates as (
    select * from counted
    where namesakes = 1 or plays is not null
),

best as (
    {{ latest_per_key('candidates', key, 'is_spelled_so desc, plays desc nulls last, ' ~ id) }}
)
{%- endmacro %}

{#
    The catalog's name, unless it is only the beginning of the name that the API gives: the columns of the original
    schema are narrow, and MySQL cuts long names off without a word.
#}
{% macro whole_name(catalog_name, api_name) -%}
    case
        when length({{ catalog_name }}) < length({{ api_name }}) and left({{ api_name }}, length({{ catalog_name }})) = {{ catalog_name }}
            and length({{ catalog_name }}) in (50, 128)
            then {{ api_name }}
        else coalesce({{ catalog_name }}, {{ api_name }})
    end
{%- endmacro %}
