# Thin doors to `python -m sfpc_book`. `make help` lists them.
#
# RETURNS, PUBLISHED  folders of real data; without them a synthetic set is made
# STUDY, BUILD        study file and build folder, if not study.yml and build
# SCALE, SEED         size and seed of the synthetic data
# JOBS                processes at once
# PYTHON              interpreter that makes .venv (3.11, 3.12 or 3.13)

PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python -m sfpc_book
OPTIONS = $(if $(STUDY),--study "$(STUDY)") $(if $(BUILD),--build "$(BUILD)")
DATA = $(if $(RETURNS),--returns "$(RETURNS)") $(if $(PUBLISHED),--published "$(PUBLISHED)")
SYNTHETIC = $(if $(SCALE),--scale "$(SCALE)") $(if $(SEED),--seed "$(SEED)")

# Without compiled files every process would compile the whole stack again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help book check test lint serve clean lock

help: ## list these doors
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 16
	@sed -n 's/^# \([A-Z][A-Z, ]*[A-Z]  .*\)/  \1/p' $(MAKEFILE_LIST)

book: $(VENV)/.installed ## build the book: site, PDFs, estimates (RETURNS= PUBLISHED= for real data)
	$(RUN) build $(OPTIONS) $(DATA) $(SYNTHETIC) $(if $(JOBS),--jobs $(JOBS))

check: $(VENV)/.installed ## list what is wrong with the returns
	$(RUN) check $(OPTIONS) $(if $(RETURNS),--returns "$(RETURNS)")

test: $(VENV)/.installed ## run every test, on every core
	$(VENV)/bin/python -m pytest -n logical --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed ## check style
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

serve: $(VENV)/.installed ## show the built site on this computer
	$(RUN) serve $(if $(BUILD),--build "$(BUILD)")

clean: $(VENV)/.installed ## remove what builds have made
	$(RUN) clean $(if $(BUILD),--build "$(BUILD)")

lock: ## write requirements.txt anew from requirements.in (needs uv)
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header \
		requirements.in -o requirements.txt

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@
