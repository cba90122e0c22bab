{{ serve('top_genres') }}
