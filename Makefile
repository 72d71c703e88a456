# Two commands: `make demo` trains the first recipe, `make test` runs everything that CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint docs bench soak clean

demo: $(READY)
	$(BIN)/hornbook train --config he_elu_bn.yaml

test: $(READY) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Needs HORNBOOK_DATA (Fashion-MNIST) and an idle machine for about an hour. PyTorch and JAX get a folder of their own.
bench: $(READY) .venv-bench/.ready
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/resources.py
	$(BIN)/python benchmarks/table.py

.venv-bench/.ready:
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0' 'jax>=0.10' numpy
	touch $@

soak: $(READY)
	$(BIN)/python tests/soak.py --kills 100

docs: $(READY)
	$(BIN)/python scripts/generate_docs.py

# Bytecode is compiled here, because some machines forbid Python to write it and TensorFlow then takes 10 s to import.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hornbook needs Python 3.11, 3.12 or 3.13")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	-$(BIN)/python -m compileall -q -j 0 $(VENV)/lib hornbook >/dev/null 2>&1
	touch $(READY)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
