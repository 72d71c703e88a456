"""Commands answer at once because recipes import no TensorFlow, Keras or NumPy."""

import subprocess
import sys

HEAVY = "{'tensorflow', 'keras', 'numpy', 'sklearn', 'polars', 'keras_tuner'} & set(sys.modules)"


CODE = [
    "import hornbook.errors, hornbook.recipes",
    "import hornbook.recipes as r; r.check_recipe('he_elu_bn'); r.check_recipe('data: {}\\n')",
    "from hornbook.recipes import check_recipe as c; c('data: digits\\nmodel: {name: layers, layers: [flatten]}\\n')",
    "from hornbook.recipes.describe.schema import json_schema; json_schema()",
    "from hornbook.recipes.describe.catalog import list_lines, show; list_lines('layers'); show('optimizer', 'sgd')",
    "from hornbook.recipes.describe.scaffold import new_recipe; new_recipe()",
]


def test_recipes_import_nothing_heavy():
    script = "import sys\n" + "".join(
        f"{code}\nfound = {HEAVY}\nassert not found, (found, {code!r})\n" for code in CODE
    )
    subprocess.run([sys.executable, "-c", script], check=True)
