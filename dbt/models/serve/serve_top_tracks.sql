{{ serve('top_tracks') }}
