{{ serve('top_artists') }}
