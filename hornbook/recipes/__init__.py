"""YAML → Recipe: typed, validated, immutable. Imports no TensorFlow.

`recipe` is the page that shows the whole, `load` the way in, `resolve` what the data fills in; one file per ingredient in
`sections`, one per group of data sources in `sources`.
"""

import sys
from importlib import import_module

from hornbook.recipes.language.spec import Component, catalog, register
from hornbook.recipes.load import Checked, check_recipe, load_recipe, read_config, shipped_recipes
from hornbook.recipes.recipe import Recipe

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
# Where plug-ins found their base classes before `hornbook.plugins`.
for _name in ("activation", "head", "initializer", "metric", "model", "normalization", "optimizer", "schedule"):
    sys.modules[f"{__name__}.{_name}"] = import_module(f"{__name__}.sections.{_name}")
sys.modules[f"{__name__}.data"] = import_module(f"{__name__}.sources")
sys.modules[f"{__name__}.spec"] = import_module(f"{__name__}.language.spec")
