{{ serve('listening_clock') }}
