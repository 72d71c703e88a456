"""What Hornbook says about its components: lists, pages, JSON Schema, recipes to start from."""
