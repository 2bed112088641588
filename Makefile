# make demo   the story in one command: chained, sealed, tampered with, caught
# make test   all tests that end within minutes
# make check  linters, types, import contracts, docs and vectors that agree with the code
# make full   everything, with the tests that take long
# make bench  what each stage does in a second, beside its bare floor (needs Docker; docs/bench.md)
# make simulate  histories of a deployment under faults, judged (docs/simulation.md)
# make faults break real brokers, stores, networks and processes, and check (needs Docker; docs/reliability.md)
# make soak   the services for ten minutes under load and faults, verified (needs Docker; docs/soak.md)
# make lock   pin the dependencies anew
# make clean  remove what the others made

# The first Python on the PATH that runs and is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto

.PHONY: help demo test check full bench faults soak simulate lock clean
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/run.stamp
	$(BIN)/sealtrail demo

test: $(VENV)/dev.stamp
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not full"

full: $(VENV)/dev.stamp
	$(BIN)/pytest -n $(JOBS) --dist worksteal

simulate: $(VENV)/dev.stamp
	cd tests && ../$(BIN)/python -m simulation.run $(SIM)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench.run $(BENCH)

soak: $(VENV)/dev.stamp
	$(BIN)/python -m soak.run $(SOAK)

faults: $(VENV)/dev.stamp
	PYTHONPATH=tests $(BIN)/python -m faults.run $(FAULTS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/make_cli.py --check
	$(BIN)/python docs/make_findings.py --check
	$(BIN)/python docs/make_attacks.py --check
	for script in vectors/make_*.py; do $(BIN)/python $$script --check || exit 1; done

# uv only computes the lock; nothing else needs it.
lock: $(VENV)/dev.stamp
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --extra all --group build \
		--generate-hashes --no-header --quiet -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --extra all --group build --group dev \
		--generate-hashes --no-header --quiet -o requirements/dev.txt

$(VENV)/%.stamp: requirements/%.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "sealtrail needs Python 3.11 or newer, with venv: make PYTHON=/path/to/python3" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
