{{ serve('top_albums') }}
