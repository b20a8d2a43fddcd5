# Argosy. `make` alone prints the targets.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

help:  ## print the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

up: $(READY)  ## set up, show what the strategies made of the past, then start the robot where someone looks, or for UP_FOR=60s
	$(BIN)/argosy demo
	@if [ -t 1 ] || [ -n "$$UP_FOR" ]; then exec $(BIN)/argosy up; else echo "robot    $(BIN)/argosy up   (a simulated broker, a desk, its page)"; fi

demo: $(READY)  ## set up, then built-in strategies on real prices: a table and a report
	$(BIN)/argosy demo

test: $(READY)  ## set up, then run every check and every test, with the time of each
	$(BIN)/python scripts/check.py

check: $(READY)  ## the quick half of test: style, types, import contracts
	$(BIN)/python scripts/check.py style types imports

bench: $(READY)  ## print the speed figures and write bench/latest.json
	$(BIN)/python -m bench

drill: $(READY)  ## the laws again with many more random cases; the wire: a million messages, 10,000 ambiguous orders, twenty runs; the desk: a day, the kill matrix
	ARGOSY_DRILL=1 $(BIN)/python scripts/check.py laws core kernels
	ARGOSY_DRILL=1 $(BIN)/python -m pytest -q -p no:cacheprovider -s tests/net tests/venues/alpaca tests/exchange
	ARGOSY_DRILL=1 $(BIN)/python -m pytest -q -p no:cacheprovider -s tests/desk/test_day.py
	$(BIN)/python -m tests.desk.drill --seeds 25 --jobs 4
	$(BIN)/python scripts/flakes.py 20 tests/exchange tests/venues/alpaca --load

clean:  ## remove what the other targets made
	rm -rf .venv build dist .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml constraints.txt examples/tsla_improved/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Argosy needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which with: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' -e examples/tsla_improved
	@touch $(READY)

.PHONY: help up demo test check bench drill clean
