"""From a database to phones."""
