# make demo: a report from a synthetic cohort. make test: everything that is checked.
# make docs: the site, in site/.
# make quick: lint, types and the tests that are not slow. make test-radiomics, test-deep, ...: one package.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

# OpenMP's waiting threads would spin and slow networks down many times on shared cores.
export OMP_WAIT_POLICY = PASSIVE

.PHONY: demo test quick pytest lint docs clean

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,docs,dev]' torch==2.13.0
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/gliofuse demo runs/demo

# The linters run beside the tests, whose two processes leave a core idle at their start and end.
test: $(STAMP)
	$(MAKE) -j 2 -k lint pytest

quick: $(STAMP)
	$(MAKE) -j 2 -k lint pytest WHICH='-m "not slow"'

pytest: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(WHICH)

test-%: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile src/gliofuse/$* tests/$*

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The figures of the gallery are those of a small study on synthetic patients.
GALLERY = runs/docs
docs: $(STAMP)
	test -d $(GALLERY) || $(BIN)/gliofuse -q demo $(GALLERY) --cases 24 --designs imaging-clinical
	NO_MKDOCS_2_WARNING=1 GLIOFUSE_GALLERY=$(GALLERY) $(BIN)/mkdocs build --quiet

clean:
	rm -rf site $(VENV) runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
