{{ serve('dim_artists') }}
