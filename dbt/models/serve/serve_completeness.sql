{{ serve('completeness') }}
