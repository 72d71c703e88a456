"""The gallery of shipped recipes: what was measured of them, what each promises, and the page that shows both.

`scripts/measure_gallery.py` trains the recipes and writes docs/gallery.json; `scripts/build_site.py` draws from it.
"""
