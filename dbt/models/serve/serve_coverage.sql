{{ serve('coverage') }}
