{{ serve('daily_albums') }}
