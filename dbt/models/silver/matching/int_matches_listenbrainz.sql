{{ config(materialized='table') }}

with {{ scrobbler_matches('listenbrainz', ['account', 'api'], 'ms_played', 0) }}

select * from final
