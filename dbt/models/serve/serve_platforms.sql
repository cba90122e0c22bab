{{ serve('platforms') }}
