{{ serve('dim_albums') }}
