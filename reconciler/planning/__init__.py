"""Pure functions from values to values: resolve, plan, guard, schedule, forecast."""
