{{ serve('import_balance') }}
