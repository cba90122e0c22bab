{{ serve('records') }}
