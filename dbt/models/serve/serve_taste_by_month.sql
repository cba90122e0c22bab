{{ serve('taste_by_month') }}
