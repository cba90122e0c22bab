{{ serve('listened_tracks') }}
