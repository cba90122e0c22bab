{{ serve('fct_events') }}
