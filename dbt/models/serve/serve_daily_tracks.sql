{{ serve('daily_tracks') }}
