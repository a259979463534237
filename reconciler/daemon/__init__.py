"""The service: looks at every scope on its schedule, and does what may be done about drift."""
