{{ serve('recommendation_quality') }}
