# Needs Python 3.11 or newer, git and make; `make` alone lists the targets.
# Written for GNU make 3.81 and later; all paths are relative, so the folder's name may have blanks.

# PYTHON=python3.12 chooses the interpreter of a new environment; without it, the newest one found.
PYTHON ?=
ARGS ?=
# FORM=release takes hours where FORM=full takes minutes.
FORM ?= full
torture := tests/races tests/torture tests/model tests/cli/test_kill.py tests/cli/test_startup.py \
  tests/store/test_migrate.py tests/store/test_backup.py tests/store/test_restore.py tests/cli/test_db_copy.py

bin := .venv/bin
ready := .venv/.installed
usable := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
recent := import sys; sys.exit(sys.version_info < (3, 11))

# Bytecode left out would cost seconds at every start.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test readers torture check lint format types imports text docs statements bench lock clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z ]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-16s %s\n", $$1, $$2 }'

install: $(ready) ## set up .venv with what the lock names
	@echo "The program is $(bin)/infusion."

demo: $(ready) ## the first minute: a sample clinic, its board, its calendar files
	@rm -rf demo
	@$(bin)/infusion demo --keep demo/
	@echo "The calendar files are here:" && find demo -name '*.ics' | sort

test: $(ready) ## run the tests on all cores (ARGS="-k name" for some)
	@$(bin)/python -m pytest -n auto -q $(ARGS)

readers: $(ready) ## read every calendar file with five other programs, installing what is missing
	@$(bin)/python tools/parsers/run.py

torture: $(ready) ## races, kills, power cuts and faults in their long form, with figures (FORM=release: longest)
	@rm -f figures.jsonl
	@INFUSION_TORTURE=$(FORM) INFUSION_FIGURES=figures.jsonl $(bin)/python -m pytest -q -s -n 0 $(torture) $(ARGS)
	@$(bin)/python tools/reliability.py figures.jsonl

check: $(ready) ## all but the tests (one alone: make lint, types, imports or text)
	@$(bin)/python tools/check.py

lint types imports text: $(ready)
	@$(bin)/python tools/check.py $@

format: $(ready) ## rewrite the code in the one format
	@$(bin)/ruff check --quiet --fix-only . && $(bin)/ruff format --quiet .

docs: $(ready) ## rewrite the reference pages from the program
	@$(bin)/python tools/docs.py

statements: $(ready) ## rewrite the generated SQL from the tables
	@$(bin)/python -m infusion_cli.store.generate

bench: $(ready) ## measure, side by side, as tables (takes minutes)
	@$(bin)/python bench/run.py $(ARGS)

lock: ## rewrite the lock (needs uv)
	@command -v uv >/dev/null || { echo "The lock is made by uv, and there is none on the PATH." >&2; exit 1; }
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --python-version 3.11 pyproject.toml --extra postgres --extra encryption --extra caldav --group dev -o requirements-dev.lock
	@$(MAKE) text

clean: ## remove what was made, but for .venv
	@rm -rf demo dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	@find src tests tools bench -type d -name __pycache__ -prune -exec rm -rf '{}' +

$(ready): requirements-dev.lock pyproject.toml
	@if ! $(bin)/python -c '$(usable)' 2>/dev/null; then \
	  found=; bare=; \
	  for python in $(if $(PYTHON),'$(PYTHON)',python3.13 python3.12 python3.11 python3 python); do \
	    "$$python" -c '$(recent)' 2>/dev/null || continue; \
	    bare=$$python; \
	    if "$$python" -c '$(usable)' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$bare" ]; then echo "Python 3.11 or newer is needed, and $(if $(PYTHON),$(PYTHON) is not,there is none on the PATH)." >&2; exit 1; fi; \
	  if [ -z "$$found" ]; then echo "$$bare has no ensurepip, so it cannot make .venv; on Debian and Ubuntu it comes with the package python3-venv." >&2; exit 1; fi; \
	  echo "Setting up .venv with $$("$$found" --version) ..."; \
	  "$$found" -m venv --clear .venv || exit 1; \
	else \
	  echo "Bringing .venv in step with the lock ..."; \
	fi
	@$(bin)/python -m pip install --quiet --no-input --no-deps --require-hashes -r requirements-dev.lock
	@$(bin)/python -m pip install --quiet --no-input --no-deps --no-build-isolation -e .
	@$(bin)/python -m pip check
	@$(bin)/python -m compileall -q src
	@touch $@
