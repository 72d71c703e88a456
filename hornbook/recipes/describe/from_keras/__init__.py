"""The recipe of a saved Keras model, as far as a recipe can say it: layers, branches, and what it was compiled with.

graph: which layer reads which · layers: one layer · sections: all of them · training: what it was compiled with.
"""

from hornbook.recipes.describe.from_keras.recipe import KerasRecipe, described

__all__ = ["KerasRecipe", "described"]
