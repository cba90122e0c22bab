{{ serve('forgotten') }}
