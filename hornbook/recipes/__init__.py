"""YAML → Recipe: typed, validated, immutable. Imports no TensorFlow.

One file per ingredient describes its components; `recipe` is the page that shows the whole, `load` the way in.
"""

from hornbook.recipes.load import Checked, check_recipe, load_recipe, read_config, shipped_recipes
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.spec import Component, catalog, register

__all__ = [
    "Checked",
    "Component",
    "Recipe",
    "catalog",
    "check_recipe",
    "load_recipe",
    "read_config",
    "register",
    "shipped_recipes",
]
