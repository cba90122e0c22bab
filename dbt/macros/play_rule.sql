{# the listener's rule of what counts as a play; a track of unknown length counts by seconds alone #}
{% macro is_long_enough(ms_played, duration_ms) -%}
    (
        {{ ms_played }} >= {{ var('min_play_seconds') }} * 1000
        and ({{ duration_ms }} is null or {{ ms_played }} >= {{ var('min_play_share') }} * {{ duration_ms }})
    )
{%- endmacro %}
