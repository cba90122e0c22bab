{{ serve('skips') }}
