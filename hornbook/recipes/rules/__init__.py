"""Rules that span sections, a file per area; `check` runs them."""
