{#
    The listener's rule of what counts as a play: long enough in seconds, and in its share of the track. A share of 1
    asks for finished plays. What a feed does not tell speaks against no play.
#}
{% macro is_long_enough(ms_played, duration_ms) -%}
    (
        {{ ms_played }} >= {{ var('min_play_seconds') }} * 1000
        and
        {% if var('min_play_share') >= 1 -%}
        case
            when reason_end = 'trackdone' then true
            when {{ duration_ms }} is not null then {{ ms_played }} * 10 >= {{ duration_ms }} * 9
            else reason_end is null
        end
        {%- else -%}
        ({{ duration_ms }} is null or {{ ms_played }} >= {{ var('min_play_share') }} * {{ duration_ms }})
        {%- endif %}
    )
{%- endmacro %}
