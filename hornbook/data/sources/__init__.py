"""The loaders of data sources, file by file the twins of `hornbook.recipes.sources`."""
