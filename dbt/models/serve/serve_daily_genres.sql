{{ serve('daily_genres') }}
