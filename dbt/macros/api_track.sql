{# columns of a track as the API writes it; `at` is the path of the track in the document #}
{% macro api_track_columns(document, at) -%}
        {{ json_text(document, at ~ '.name') }} as track_name,
        {{ json_text(document, at ~ '.album.id') }} as album_id,
        {{ json_text(document, at ~ '.album.name') }} as album_name,
        {{ json_text(document, at ~ '.album.album_type') }} as album_type,
        {{ json_text(document, at ~ '.album.release_date') }} as release_date,
        {{ json_text(document, at ~ '.album.release_date_precision') }} as release_precision,
        {{ whole_number(json_text(document, at ~ '.album.total_tracks')) }} as total_tracks,
        {{ json_texts(document, at ~ '.album.artists', 'id') }} as album_artist_ids,
        {{ json_texts(document, at ~ '.album.artists', 'name') }} as album_artist_names,
        {{ json_texts(document, at ~ '.artists', 'id') }} as artist_ids,
        {{ json_texts(document, at ~ '.artists', 'name') }} as artist_names,
        upper(replace({{ json_text(document, at ~ '.external_ids.isrc') }}, '-', '')) as isrc,
        {{ length_ms(json_text(document, at ~ '.duration_ms')) }} as duration_ms,
        {{ whole_number(json_text(document, at ~ '.popularity')) }} as popularity,
        {{ json_text(document, at ~ '.type') }} as track_type
{%- endmacro %}

{# newest answer of the API per id that is good and can be read; `columns` come from its `payload` #}
{% macro api_newest_answers(table) -%}
    source as (
        select
            id,
            fetched_at,
            _dlt_load_id,
            {{ json_document('payload') }} as payload
        from {{ source('spotify_api', table) }}
        where status = 200
    ),

    good as (
        select * from source where payload is not null
    ),

    newest as (
        {{ latest_per_key('good', 'id', 'fetched_at desc, _dlt_load_id desc, payload') }}
    )
{%- endmacro %}

{# the audio features that are real numbers #}
{% macro audio_features() -%}
    {{ return([
        'danceability', 'energy', 'loudness', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence', 'tempo'
    ]) }}
{%- endmacro %}
