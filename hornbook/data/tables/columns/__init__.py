"""What a column of a table is, and how it becomes features and numbers."""
