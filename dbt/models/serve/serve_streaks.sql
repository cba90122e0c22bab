{{ serve('streaks') }}
