{{ serve('daily_clock') }}
