{{ serve('listened_artists') }}
