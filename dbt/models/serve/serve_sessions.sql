{{ serve('sessions') }}
