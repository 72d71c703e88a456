"""Tables: files as data frames, their columns as numbers. Imported where there is one: polars takes a tenth of a second."""
