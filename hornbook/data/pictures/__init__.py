"""Picture files → rows of pixels: how they are read, which there are, which are alike, and where the pixels are kept."""
