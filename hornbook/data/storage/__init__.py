"""Files that hold arrays, and rows of them that stay on disk."""
