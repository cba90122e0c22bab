"""The listener's own rules."""
