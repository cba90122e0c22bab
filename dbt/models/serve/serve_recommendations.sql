{{ serve('recommendations') }}
