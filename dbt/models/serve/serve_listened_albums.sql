{{ serve('listened_albums') }}
