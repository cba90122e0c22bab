{{ serve('daily_listening') }}
