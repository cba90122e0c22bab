{{ serve('fct_plays') }}
