{{ serve('on_repeat') }}
