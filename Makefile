# make demo   sets up everything and shows mmvtg at work
# make test   sets up everything and runs the tests
# make lint   checks style, docstrings and types
# make docs   builds the pages into build/site

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# without a GPU, take the CPU pair of torch and torchvision
CONSTRAINTS := $(shell command -v nvidia-smi >/dev/null 2>&1 || echo "-c requirements/constraints-cpu.txt")
SETTINGS := setup.py $(wildcard requirements/*.txt)
STAMP := $(VENV)/.installed
JOBS ?= 2

.PHONY: demo test lint docs install clean

install: $(STAMP)

$(STAMP): $(SETTINGS)
	@echo "==> installing mmvtg and what it needs into $(VENV) (a few minutes the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "mmvtg needs Python 3.10 or newer; run: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --progress-bar off --quiet $(CONSTRAINTS) -e '.[tests]'
	$(BIN)/python -m mmvtg.selfcheck
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python demo/run_demo.py

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) tests
	@echo "==> all tests passed, except for those that are listed above as skipped"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the site, in build/site; broken links are errors
docs: $(STAMP)
	$(BIN)/pip install --progress-bar off --quiet -r requirements/docs.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "==> open build/site/index.html"

clean:
	rm -rf $(VENV) build *.egg-info mmvtg/.mim
