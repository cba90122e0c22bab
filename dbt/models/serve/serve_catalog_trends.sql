{{ serve('catalog_trends') }}
