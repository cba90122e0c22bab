{{ serve('weekly_listening') }}
