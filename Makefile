# The project's commands. PYTHON names the interpreter the environment is made from (3.11 to 3.13).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: quick bench accuracy speed speed-threads speed-training device-check test lint types imports pytest docs audit asv asv-compare asv-history asv-versions asv-publish clean

bench: $(READY)
	$(BIN)/harness run || test $$? -eq 1 # a case that ended wrong may be expected: the gate knows
	$(BIN)/harness compare --by solver
	$(BIN)/harness gate

accuracy: $(READY)
	$(BIN)/harness accuracy
	$(BIN)/harness accuracy --ladder

# The benchmarks of this project's own solver and engines, minutes each; results/speed keeps what OPTS=--json prints.
speed: $(READY)
	$(BIN)/python -m benchmarks closed-forms $(OPTS)

# The same with several threads, in a minute: two, and all cores.
speed-threads: $(READY)
	$(BIN)/python -m benchmarks threads $(OPTS)

# With DEVICE=cuda the lines on CUDA alone, in a minute.
speed-training: $(READY)
	$(BIN)/python -m benchmarks training $(if $(DEVICE),--device $(DEVICE)) $(OPTS)

# All that only a machine with a device can show, in one folder, in under eight minutes; DEVICE=cpu is a dry run.
device-check: $(READY)
	$(BIN)/python -m tools.device_check $(if $(DEVICE),--device $(DEVICE)) $(if $(OUT),--output $(OUT))

# Python and pytest keep what they compile: without that each process does it again, for seconds.
unexport PYTHONDONTWRITEBYTECODE

test: lint types imports pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

# A process a core, one thread each; a file's tests stay together, for what they share is made once.
WORKERS ?= auto
pytest: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# What is not marked slow, asv or cuda: every room and all of the solvers' table (52 s with two workers).
quick: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'not (slow or asv or cuda)'

# The documents as pages, in site/: a warning is an error. The tests build them too, and run their commands.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Known vulnerabilities of what constraints.txt pins, by PyPI's advisory database. It needs the network, so it is no test.
AUDIT := $(VENV)/audit
audit:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check pip-audit
	$(AUDIT)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

# One installation: it is made again only when what it is made from changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("$(PYTHON) is %d.%d; the harness needs 3.11 or newer: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

# asv: uv builds its environments where it is on PATH, virtualenv elsewhere. MACHINE names the results' folder.
ASV_ENV ?= $(if $(shell command -v uv 2>/dev/null),uv,virtualenv)
MACHINE ?= $(shell hostname)
ASV_OPTS ?=
# Without CUDA, which does not survive a fork, the libraries are imported once and every benchmark is a fork.
ASV_LAUNCH ?= $(if $(wildcard /dev/nvidiactl),spawn,forkserver)
ASV_RUN = $(if $(filter forkserver,$(ASV_LAUNCH)),HARNESS_SUITE_PREIMPORT=1) $(BIN)/asv run -E $(ASV_ENV) \
  --machine $(MACHINE) --launch-method $(ASV_LAUNCH) --show-stderr $(ASV_OPTS)

# asv refuses to run for a machine that it has not been told of; here it is told of this one, under that name.
KNOWN := $(VENV)/.asv-machine-$(MACHINE)
$(KNOWN): $(READY)
	$(BIN)/python -m tools.asv_machine '$(MACHINE)'
	@touch $@

asv: $(KNOWN)
	$(BIN)/asv check -E existing
	$(ASV_RUN) HEAD^!
	$(BIN)/harness gate --asv --commit HEAD --machine $(MACHINE)

# Both commits' rounds in turn, so that drift of the machine hits both.
asv-compare: $(KNOWN)
	@test -n "$(BASE)" || { echo 'say which commit to compare with: make asv-compare BASE=HEAD~1' >&2; exit 2; }
	{ git rev-parse --verify '$(BASE)^{commit}' && git rev-parse HEAD; } | $(ASV_RUN) --interleave-rounds HASHFILE:-
	$(BIN)/asv compare --machine $(MACHINE) $(BASE) HEAD
	$(BIN)/harness gate --asv --commit HEAD --base $(BASE) --machine $(MACHINE)

# Every 24th commit, the oldest first, without those that have results: a minute each. docs/explanation/own-history.md
# shows the steps, and results/asv/steps.toml says what made each.
EVERY ?= 24
HISTORY ?= ^(closed_forms|scikit_learn)\.(Digits\.|Loss|Fit\..*1000,)
asv-history: $(KNOWN)
	git rev-list --reverse HEAD | awk 'NR % $(EVERY) == 0' | \
	  $(ASV_RUN) --skip-existing-commits --bench '$(HISTORY)' HASHFILE:-
	$(BIN)/harness history --asv --all

asv-versions: $(KNOWN)
	$(ASV_RUN) --config asv.versions.conf.json --bench scikit_learn HEAD^!
	$(BIN)/asv publish --config asv.versions.conf.json

asv-publish: $(READY)
	@test -e results/asv/benchmarks.json || cp results/asv/reference/benchmarks.json results/asv/
	$(BIN)/asv publish
	@echo 'the site is in .asv/html: $(BIN)/asv preview serves it'

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis site results/harness.sqlite*
