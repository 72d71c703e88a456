"""Networks for tables beside gradient boosting and pytabkit, on the same rows: `python benchmarks/tabular.py`.

Each split divides the rows anew into 64 % training, 16 % validation and 20 % test; all contenders get these, in an order
that changes from split to split. pytabkit, scikit-learn and pandas live
in a folder of their own, `.venv-tabkit`, which is made when it is missing.
What is measured goes into `benchmarks/results/tabular.json` row by row, and what is there already is not measured again;
`--table` prints it: test errors, paired differences to pytabkit's with 95 % t intervals, and CPU seconds of training.

    python benchmarks/tabular.py --rows 5000 --splits 3        # a first look
    python benchmarks/tabular.py --epochs 20 --splits 3        # speed: the same epochs for all, none ends early
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "tabular.json"
FOLDER = HERE.parent / ".venv-tabkit"
ADULT = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "country",
    "target",
]
TABLES = ("adult", "california_housing", "breast_cancer", "wine", "diabetes", "digits")
THEIRS = {"realmlp": "pytabkit realmlp", "tabm": "pytabkit tabm"}
CONTENDERS = ("mlp", "realmlp", "tabm", "boosting", *THEIRS.values())
REGRESSION = ("california_housing", "diabetes")
QUARTILES = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Student's t at 97.5 %, by degrees of freedom."""


def load(name: str):
    """Return a table as a data frame of numbers and categories, the target last."""
    import pandas as pd

    folder = Path(os.environ.get("HORNBOOK_DATA", "")) / "tables"
    if name == "adult":
        frame = pd.read_csv(folder / "adult.csv", names=ADULT, skipinitialspace=True, na_values="?")
    elif name == "california_housing":
        frame = pd.read_csv(folder / "california_housing.csv").rename(columns={"median_house_value": "target"})
        frame = frame[[*frame.columns.drop("target"), "target"]]
    else:
        from sklearn import datasets

        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    numbers = frame.select_dtypes("number").columns.drop("target", errors="ignore")
    frame[numbers] = frame[numbers].astype("float32")
    frame[numbers] = frame[numbers].fillna(frame[numbers].mean())  # pytabkit takes no gaps
    texts = frame.columns.drop([*numbers, "target"])
    frame[texts] = frame[texts].fillna("missing").astype(str)
    if name not in REGRESSION:
        frame["target"] = "class " + frame["target"].astype(str)
    return frame


def divided(name: str, split: int, rows: int | None):
    """Return (training, validation, test) of one split."""
    frame = load(name)
    order = np.random.default_rng(split).permutation(len(frame))[:rows]
    frame = frame.iloc[order].reset_index(drop=True)
    test, validation = round(0.2 * len(frame)), round(0.16 * len(frame))
    train = len(frame) - test - validation
    return frame[:train], frame[train : train + validation], frame[train + validation :]


def written(job: dict, folder: str) -> dict:
    """Write the rows of a split as one file, training first, test last; return what a recipe has to know of them."""
    import pandas as pd

    train, validation, test = parts = divided(job["table"], job["split"], job["rows"])
    pd.concat(parts).to_csv(Path(folder) / "table.csv", index=False)
    texts = list(texts_of(train))
    return {
        "split": {"method": "last", "validation": len(validation), "test": len(test)},
        "train": len(train),
        "texts": texts,
        "has_many": any(train[name].nunique() > 8 for name in texts),
        "classes": int(train["target"].nunique()),
    }


def recipe_of(job: dict, facts: dict, folder: str) -> dict:
    """Return the recipe of one of our networks over a file that `written` has left."""
    import yaml

    contender, is_regression = job["contender"], job["table"] in REGRESSION
    tree = {
        "model": {"name": "mlp", "units": [256, 256, 256]},
        "activation": "relu",
        "training": {"epochs": 256, "batch_size": 256, "early_stopping": {"patience": 256}},
    }
    if contender != "mlp":
        tree = yaml.safe_load((HERE.parent / "hornbook" / "configs" / f"{contender}.yaml").read_text())
    standardize = tree.pop("data", {}).get("standardize", True)
    data = {"name": "table", "path": f"{folder}/table.csv", "target": "target", "standardize": standardize}
    tree["data"] = data | {"split": facts["split"]}
    if facts["texts"]:
        tree["data"]["types"] = dict.fromkeys(facts["texts"], "category")
    if contender == "realmlp":
        tree["head"] = {"initializer": tree["initializer"]}
        if facts["has_many"]:
            tree["model"]["categories"] = {"embedding": 8, "one_hot_up_to": 8}
        if is_regression:
            tree["head"]["clamp"] = True
            tree["activation"], tree["optimizer"]["learning_rate"] = "parametric_mish", 0.2
            tree["training"]["early_stopping"] = {"patience": 256}
        else:
            name = "binary_crossentropy" if facts["classes"] == 2 else "sparse_categorical_crossentropy"
            tree["head"]["loss"] = {"name": name, "label_smoothing": 0.1}
    if contender == "tabm" and not is_regression:
        tree["training"]["metrics"] = ["accuracy"]
    if job["epochs"] is not None:
        tree["training"] = {"epochs": job["epochs"]}
    tree["training"]["batch_size"] = min(256, facts["train"])
    task = {"task": "regression"} if is_regression else {}
    return {**tree, **task, "name": contender, "seed": job["split"], "health": "off"}


def ours(job: dict) -> dict:
    """Train one of our networks; return its test error, epochs, seconds and CPU seconds."""
    import hornbook
    from hornbook.data import load as load_splits
    from hornbook.startup import import_tensorflow

    import_tensorflow()  # as the others have imported theirs before their clocks begin

    recipe = hornbook.load_recipe(recipe_of(job, job["facts"], job["folder"]))
    wall, cpu = time.perf_counter(), time.process_time()
    result = hornbook.train(recipe, runs=job["folder"], progress=False)
    spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    if job["table"] in REGRESSION:
        test = load_splits(result.recipe.data, seed=result.recipe.seed, task=result.recipe.task).test
        predicted = np.asarray(result.model.predict(test.x, verbose=0)).reshape(-1)
        error = float(np.sqrt(np.mean((predicted - test.y) ** 2)))
    else:
        error = 1 - result.test["accuracy"]
    return {"error": error, "epochs": len(result.history), **spent}


def boosting(parts, *, is_regression: bool, seed: int) -> dict:
    """Train scikit-learn's histogram gradient boosting at its defaults."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    train, _, test = (as_categories(part) for part in parts)
    kind = HistGradientBoostingRegressor if is_regression else HistGradientBoostingClassifier
    model = kind(random_state=seed, categorical_features="from_dtype")
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(train.drop(columns="target"), train["target"])
    spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return {"error": error_of(model, test, is_regression=is_regression), "epochs": None, **spent}


def tabkit(contender: str, parts, *, is_regression: bool, seed: int, epochs: int | None) -> dict:
    """Train one of pytabkit's networks at its defaults; in its own folder only."""
    import pytabkit

    name = {"pytabkit realmlp": "RealMLP_TD", "pytabkit tabm": "TabM_D"}[contender]
    kind = getattr(pytabkit, f"{name}_{'Regressor' if is_regression else 'Classifier'}")
    more = {} if epochs is None else {"n_epochs": epochs}
    if epochs is not None and "tabm" in contender:
        more["patience"] = epochs
    model = kind(device="cpu", random_state=seed, n_threads=2, **more)
    train, validation, test = (as_categories(part) for part in parts)
    wall, cpu = time.perf_counter(), time.process_time()
    rest = validation.drop(columns="target"), validation["target"].to_numpy()
    model.fit(train.drop(columns="target"), train["target"].to_numpy(), *rest)
    spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return {"error": error_of(model, test, is_regression=is_regression), "epochs": epochs, **spent}


def texts_of(part):
    """Return the columns of categories."""
    return [name for name in part.columns.drop("target") if name not in part.select_dtypes("number").columns]


def as_categories(part):
    """Return the rows with texts as categories of pandas."""
    return part.assign(**{name: part[name].astype("category") for name in texts_of(part)})


def error_of(model, test, *, is_regression: bool) -> float:
    """Return root mean squared error, or the share of wrong answers."""
    predicted, targets = np.asarray(model.predict(test.drop(columns="target"))).reshape(-1), test["target"].to_numpy()
    wrong = np.sqrt(np.mean((predicted - targets) ** 2)) if is_regression else np.mean(predicted != targets)
    return float(wrong)


def measured(job: dict) -> dict:
    """Do what a job says in this process: write rows, or train a contender on a split."""
    if job.get("facts"):
        return ours(job)
    if job.get("folder"):
        return written(job, job["folder"])
    parts = divided(job["table"], job["split"], job["rows"])
    options = {"is_regression": job["table"] in REGRESSION, "seed": job["split"]}
    if job["contender"] == "boosting":
        return boosting(parts, **options)
    return tabkit(job["contender"], parts, epochs=job["epochs"], **options)


def in_its_own_process(job: dict) -> dict:
    """Train one contender in a fresh process: ours in this environment, the others in their own folder."""
    load_before = os.getloadavg()[0]
    theirs = str(FOLDER / "bin" / "python")
    if job["contender"] in (*THEIRS.values(), "boosting"):
        found = answer(theirs, job)
    else:
        with tempfile.TemporaryDirectory() as folder:
            facts = answer(theirs, {**job, "folder": folder})
            found = answer(sys.executable, {**job, "folder": folder, "facts": facts})
    return {**job, **found, "load": round(load_before, 2)}


def answer(python: str, job: dict) -> dict:
    """Return what another Python says of a job."""
    done = subprocess.run([python, __file__, "--job", json.dumps(job)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job}\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def make_folder() -> None:
    """Install pytabkit into a folder of its own, unless it is there."""
    if not (FOLDER / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run([FOLDER / "bin" / "pip", "install", "--quiet", "torch==2.13.0", "pytabkit"], check=True)


def interval(values: list[float]) -> str:
    """Return mean ± 95 % t interval."""
    mean, freedom = float(np.mean(values)), len(values) - 1
    if not freedom:
        return f"{mean:.4g}"
    half = QUARTILES.get(freedom, 1.96) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return f"{mean:.4g} ± {half:.2g}"


def table(rows: list[dict]) -> list[str]:
    """Return Markdown: error, difference to pytabkit's, CPU seconds and their ratio, for each table and contender."""
    lines = [
        "| table | rows | contender | splits | test error | ours - theirs | epochs | CPU s | theirs / ours | load |"
    ]
    lines.append("|---" * 10 + "|")
    keys = sorted({(row["table"], row["rows"] or 0, row["epochs_set"] or 0) for row in rows})
    for name, size, epochs in keys:
        here = [row for row in rows if (row["table"], row["rows"] or 0, row["epochs_set"] or 0) == (name, size, epochs)]
        for contender in CONTENDERS:
            own = {row["split"]: row for row in here if row["contender"] == contender}
            if not own:
                continue
            theirs = {row["split"]: row for row in here if row["contender"] == THEIRS.get(contender)}
            both = sorted(own.keys() & theirs.keys())
            gap = interval([own[split]["error"] - theirs[split]["error"] for split in both]) if both else ""
            ratio = [theirs[split]["cpu_seconds"] / own[split]["cpu_seconds"] for split in both]
            done = [row["epochs"] for row in own.values() if row["epochs"]]
            cells = [
                name, size or "all", contender, len(own), interval([row["error"] for row in own.values()]), gap,
                f"{np.mean(done):.0f}" if done else "", f"{np.mean([row['cpu_seconds'] for row in own.values()]):.1f}",
                f"{np.mean(ratio):.2f}" if ratio else "", f"{np.mean([row['load'] for row in own.values()]):.1f}",
            ]  # fmt: skip
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def main() -> None:
    """Measure what is asked for and not there, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=TABLES)
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--rows", type=int, help="a sample of so many rows; omitted: all")
    parser.add_argument("--epochs", type=int, help="so many for all networks; omitted: their own defaults")
    parser.add_argument("--table", action="store_true", help="print what was measured and measure nothing")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(measured(json.loads(asked.job))))
        return
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    if not asked.table:
        make_folder()
        for split in range(asked.splits):
            for name in asked.tables:
                for contender in np.roll(asked.contenders, split).tolist():
                    job = {
                        "table": name,
                        "split": split,
                        "contender": contender,
                        "rows": asked.rows,
                        "epochs": asked.epochs,
                    }
                    key = {**job, "epochs_set": job["epochs"]}
                    if any(all(row[part] == key[part] for part in key if part != "epochs") for row in rows):
                        continue
                    rows.append({"epochs_set": asked.epochs, **in_its_own_process(job)})
                    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
                    print(rows[-1], file=sys.stderr)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
