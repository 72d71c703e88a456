"""Nothing in a run's folder lets code run: who reads a run says whether it is trusted, each time."""

import pytest

from hornbook import load_recipe
from hornbook.errors import RunError


@pytest.fixture(scope="module")
def trained(train_recipe, on_model, tmp_path_factory):
    """A run on top of a model with code, trained by someone who trusted it; the trace that the code leaves."""
    import keras

    folder = tmp_path_factory.mktemp("trusted")
    trace = folder / "ran"
    source = f"lambda x: [x, open({str(trace)!r}, 'w').close()][0]"
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Lambda(eval(source), output_shape=(8, 8, 1), name="code")(inputs)  # the file is what is on trial
    outputs = keras.layers.Dense(3, name="scores")(keras.layers.Dense(4, name="first")(keras.layers.Flatten()(x)))
    keras.Model(inputs, outputs).save(folder / "code.keras")
    recipe = on_model(folder / "code.keras", {"trust": True}, training={"epochs": 1, "batch_size": 40})
    run = train_recipe(recipe, folder / "runs").run
    return run, trace


COMMANDS = (
    "evaluate {run}",
    "predict {run} -i {run}/x.npy",
    "resume {run} training.epochs=2",
    "reproduce {run} --runs {run}/again",
    "reuse-report {run} --control --seeds 1 --runs {run}/again",
    "shrink {run} --precision float16 --max-loss 100 --runs {run}/again",
)


@pytest.fixture(params=COMMANDS, ids=lambda line: line.split()[0])
def line(request, trained):
    """A command that reads the run; no trace of the code is there yet."""
    import numpy as np

    run, trace = trained
    trace.unlink(missing_ok=True)
    np.save(run / "x.npy", np.zeros((1, 8, 8, 1), np.float32))
    return f"hornbook {request.param.format(run=run)}"


def test_a_run_that_calls_itself_trusted_is_not(line, trained, hornbook_command):
    run, trace = trained
    assert "trust: true" in (run / "recipe.yaml").read_text()
    outcome = hornbook_command(line)
    assert outcome.code in {1, 2}
    assert "Lambda" in outcome.err
    assert "--trust" in outcome.err
    assert not trace.exists()


def test_it_is_read_where_the_user_says_so_now(line, trained, hornbook_command):
    outcome = hornbook_command(f"{line} --trust")
    assert outcome.code == 0, outcome.err
    loads_anew = "evaluate" in line or "predict" in line  # training finds a program that was compiled before
    assert trained[1].exists() or not loads_anew


def test_runs_are_compared_without_loading_their_models(trained, model_a, hornbook_command):
    run, trace = trained
    trace.unlink(missing_ok=True)
    assert hornbook_command(f"hornbook compare {run} {model_a}").code == 0
    assert not trace.exists()


def test_layers_built_on_such_a_run_ask_again(trained, on_model, train_recipe, tmp_path):
    run, trace = trained
    trace.unlink(missing_ok=True)
    with pytest.raises(Exception, match=r"holds code or layers of another package: Lambda, __lambda__"):
        train_recipe(on_model(run), tmp_path)
    assert not trace.exists()


def test_a_sweep_or_study_that_goes_on_trusts_what_its_recipe_trusts(trained):
    """`resume` is told by whoever has the user's recipe."""
    from hornbook.trainer.resume import resume

    recipe = load_recipe(trained[0] / "recipe.yaml")
    assert recipe.is_trusted  # read as the user's own file
    assert not load_recipe(trained[0] / "recipe.yaml", of_run=True, for_training=False).is_trusted
    with pytest.raises(Exception, match="--trust"):
        resume(trained[0], ["training.epochs=3"])
    assert resume(trained[0], ["training.epochs=3"], trust=recipe.is_trusted) is not None


def test_the_final_model_of_a_run_is_one_of_its_own(trained, hornbook_command):
    run, trace = trained
    trace.unlink(missing_ok=True)
    result = (run / "result.json").read_text()
    try:
        (run / "result.json").write_text(result.replace('"final": "last"', '"final": "../../../../code"'))
        outcome = hornbook_command(f"hornbook evaluate {run} --trust")
    finally:
        (run / "result.json").write_text(result)
    assert outcome.code == 1
    assert "result.json" in outcome.err
    assert not trace.exists()


def test_python_is_told_too(trained):
    from hornbook.inference.evaluate import evaluate_run

    with pytest.raises(RunError, match=r"trust=True"):
        evaluate_run(str(trained[0]))
    assert evaluate_run(str(trained[0]), trust=True).count == 40
