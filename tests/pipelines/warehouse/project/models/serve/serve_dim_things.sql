{{ serve('dim_things') }}
