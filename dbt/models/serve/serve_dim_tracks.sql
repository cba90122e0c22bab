{{ serve('dim_tracks') }}
