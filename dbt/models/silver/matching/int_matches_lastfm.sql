{{ config(materialized='tail', meta={'at': 'ended_ms'}) }}

-- the common CSV of Last.fm tells minutes
with {{ scrobbler_matches('lastfm', ['account', 'api', 'listenbrainz'], 'cast(null as bigint)', 60000) }}

select * from final
