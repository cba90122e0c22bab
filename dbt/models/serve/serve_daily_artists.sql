{{ serve('daily_artists') }}
