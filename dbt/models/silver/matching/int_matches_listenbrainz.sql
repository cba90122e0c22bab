{{ config(materialized='tail', meta={'at': 'ended_ms'}) }}

with {{ scrobbler_matches('listenbrainz', ['account', 'api'], 'ms_played', 1000) }}

select * from final
