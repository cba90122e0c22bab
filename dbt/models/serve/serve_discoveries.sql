{{ serve('discoveries') }}
