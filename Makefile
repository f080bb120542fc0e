# Everything here sets up what it needs: Python 3.11 or later and the network, the first time, are enough.
#   make demo ARGS="--seconds 30 --seed 7"      make test PYTHON=python3.12

PYTHON ?= python3
ARGS ?=
# Called by path and with -m: scripts in .venv/bin break in folders with spaces.
VENV := .venv/bin/python
# Names of folders and files are UTF-8 whatever the locale says.
export PYTHONUTF8 := 1

.PHONY: help demo run test check bench drills simulate nightly screenshots tasks messages lock schema clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /	/' | expand -t 12

demo: ## a shop with two emulated channels, trading before your eyes
	@$(PYTHON) tools/bootstrap.py run
	@$(VENV) -m stallkeeper demo $(ARGS)

run: ## the hub itself: web server, workers and the embedded database
	@$(PYTHON) tools/bootstrap.py run
	@$(VENV) -m stallkeeper run $(ARGS)

check: ## lint, types, layers, unit and database tests (under two minutes)
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) tools/check.py $(ARGS)

test: ## check, then contract, race, scenario and browser tests
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) tools/check.py --all $(ARGS)

bench: ## measure the hot paths; results in bench/results
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) -m bench $(ARGS)

drills: ## hurt a hub of real processes under load, in every way (docs/drills.md)
	@$(PYTHON) tools/bootstrap.py run
	@$(VENV) -m stallkeeper.ops.drills $(ARGS)

nightly: ## 10,000 simulated days nobody has played before, all planted bugs, a kill at every commit of people
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) -m stallkeeper simulate --nightly 10000 --jobs 4
	@$(VENV) -m tests.planted --jobs 4
	@$(VENV) -m tests.killed

screenshots: ## a picture of every screen, light and dark, for the guide (ARGS="--only orders,order --into build/look --sheets")
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) -m tests.screens $(ARGS)

tasks: ## the tasks of a working day in a browser, with clicks and seconds, into docs/tasks.md
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) -m tests.tasks

messages: ## gather the texts of all screens into the catalogues of translations, and compile them (docs/languages.md)
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) tools/messages.py

simulate: ## trading days with everything that can go wrong (ARGS="--seeds 1-200 --jobs 4")
	@$(PYTHON) tools/bootstrap.py run
	@$(VENV) -m stallkeeper simulate $(ARGS)

lock: ## resolve pyproject.toml anew into the two lock files
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) tools/lock.py $(ARGS)

schema: ## write the schema that a new database gets, after a new migration
	@$(PYTHON) tools/bootstrap.py dev
	@$(VENV) tools/schema.py

clean: ## remove .venv and caches (not your data)
	rm -rf .venv .bootstrap.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
