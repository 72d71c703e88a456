"""A sweep as tables, pictures and a page."""
