"""The lessons of docs/notebooks/ with what their cells print and draw, for the site."""
