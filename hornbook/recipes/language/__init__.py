"""From YAML and overrides to typed values, and how mistakes in them read."""
