{{ serve('eras') }}
