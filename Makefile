# Two commands: `make demo` trains the first recipe, `make test` runs the suite. CI runs `make test-extras` after it.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

EXTRAS := browser exports notebooks optuna ray release serve site trackers

.PHONY: demo test bytecode-of-tests test-extras $(EXTRAS:%=test-%) chromium test-whole test-oldest lint docs gallery site bench gpu soak clean

demo: $(READY)
	$(BIN)/hornbook train --config he_elu_bn.yaml

# Three processes on two cores: a test that waits for other processes leaves its core to others.
test: $(READY)
	$(MAKE) --no-print-directory --jobs 2 lint bytecode-of-tests
	$(BIN)/python -m pytest -n 3 --dist loadfile

# What needs more than Python: each group of tests has a folder below tests/extras and an environment of its own, in which
# nothing may be skipped. `make test` skips them, and says why. An environment holds what the suite's has not, and finds
# the rest there: eight copies of TensorFlow are twenty gigabytes.
PATH_OF_PACKAGES := 'import sysconfig; print(sysconfig.get_path("purelib"))'
test-extras: $(EXTRAS:%=test-%) test-whole

# The tests marked `whole`: all pages of the documentation, where `make test` looks at the first ones; workers, signals.
test-whole: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadfile --whole

BESIDE_serve := tests/serving

test-browser test-serve test-site: chromium
$(EXTRAS:%=test-%): test-%: .venv-%/.ready
	.venv-$*/bin/python -m pytest --no-skips tests/extras/$* $(BESIDE_$*)

.venv-%/.ready: pyproject.toml constraints.txt | $(READY)
	$(PYTHON) -m venv --clear .venv-$*
	$(BIN)/python -c $(PATH_OF_PACKAGES) > .venv-$*/packages
	mv .venv-$*/packages $$(.venv-$*/bin/python -c $(PATH_OF_PACKAGES))/suite.pth
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test-$*]'
	-.venv-$*/bin/python -m compileall -q -j 0 .venv-$*/lib hornbook >/dev/null 2>&1
	touch $@

chromium:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null \
		|| { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver; } \
		|| { echo 'The tests of pages need Chromium and its driver: apt-get install chromium chromium-driver' >&2; exit 1; }

# The suite with the lowest versions that pyproject.toml allows, on the lowest Python. Without mypy: NumPy 1.26 has other
# types.
test-oldest: .venv-oldest/.ready
	.venv-oldest/bin/ruff check .
	.venv-oldest/bin/lint-imports
	.venv-oldest/bin/python -m pytest -n 3 --dist loadfile

.venv-oldest/.ready: pyproject.toml scripts/oldest_versions.py
	$(OLDEST_PYTHON) -m venv --clear .venv-oldest
	$(OLDEST_PYTHON) scripts/oldest_versions.py > .venv-oldest/constraints.txt
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c .venv-oldest/constraints.txt -e '.[dev]'
	-.venv-oldest/bin/python -m compileall -q -j 0 .venv-oldest/lib hornbook >/dev/null 2>&1
	touch $@

# The assertions that pytest rewrites are kept, also where Python may write no bytecode: else each process rewrites them all.
bytecode-of-tests: $(READY)
	@-PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only -qq >/dev/null 2>&1

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Needs HORNBOOK_DATA (MNIST, Fashion-MNIST), wrk and an idle machine for about two hours. PyTorch and JAX get a folder of
# their own, as the runtimes of exports do.
bench: $(READY) .venv-bench/.ready .venv-exports/.ready .venv-serve/.ready
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/resources.py
	$(BIN)/python benchmarks/table.py
	.venv-exports/bin/python benchmarks/exports.py --write
	.venv-exports/bin/python benchmarks/shrink.py --write size latency
	.venv-serve/bin/python benchmarks/serving.py --write

# On a machine with a GPU: what the engine promises is tried there, then measured.
gpu: .venv-gpu/.ready
	.venv-gpu/bin/python -m pytest --no-skips tests/extras/gpu
	.venv-gpu/bin/python -m pytest tests/engine tests/resume tests/builder
	.venv-gpu/bin/python benchmarks/gpu.py

.venv-bench/.ready:
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0' 'jax>=0.10' numpy
	touch $@

soak: $(READY)
	$(BIN)/python tests/soak.py --kills 100
	$(BIN)/python tests/soak.py --sweep 1
	$(BIN)/python tests/soak.py --damage 2000
	$(BIN)/python tests/soak.py --mutations 16000
	$(BIN)/python tests/soak.py --widths 60
	$(BIN)/python tests/soak.py --widths 60 --engine graph

docs: $(READY)
	$(BIN)/python scripts/generate_docs.py

# Trains every shipped recipe, one after the other, for half an hour: what the gallery of the site is drawn from. Needs MNIST
# and Fashion-MNIST.
gallery: $(READY)
	$(BIN)/python scripts/measure_gallery.py

# The documentation as pages to read in a browser: open site/index.html. Lessons that are new, or older than Hornbook's
# code, are run for what their pages show: some minutes for all of them. `.venv-site/bin/python scripts/build_site.py
# first_hour` runs no other.
site: .venv-site/.ready
	.venv-site/bin/python scripts/build_site.py

# Bytecode is compiled here, because some machines forbid Python to write it and TensorFlow then takes 10 s to import.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hornbook needs Python 3.11, 3.12 or 3.13")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	-$(BIN)/python -m compileall -q -j 0 $(VENV)/lib hornbook >/dev/null 2>&1
	touch $(READY)

clean:
	rm -rf $(VENV) .venv-oldest $(EXTRAS:%=.venv-%) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
