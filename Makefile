# Sets everything up in .venv and touches nothing outside this directory.
# Needs Python 3.11 or newer with pip; no compiler.

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --prefer-binary

# make demo ARGS="--runtime all"; make test PYTHON=/path/to/python3.12
ARGS ?=
PYTHON ?=
SEEDS ?= 10000
MINUTES ?= 1
PYTHONS := $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14)

# Names the version and whether this Python will do: new enough, and able to give a venv its pip.
PROBE := import sys; from importlib.util import find_spec as has; \
    print(".".join(map(str, sys.version_info[:3])), \
    "is too old" if sys.version_info < (3, 11) \
    else "lacks the module venv" if not has("venv") \
    else "lacks pip" if not (has("ensurepip") or has("pip")) else "will do")

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo venv test simulate torture soak conformance fuzz evidence bench lint clean

help:
	@echo 'make demo   a restaurant EPOS and a local gateway play a pay-at-table visit'
	@echo '            (ARGS="--runtime asyncio|trio|anyio|threads|all")'
	@echo 'make venv   only set up .venv, with all that the tests need; about a minute'
	@echo 'make test   formatting, lint, types, then all tests with the coverage of the core;'
	@echo '            about a quarter of an hour on two cores'
	@echo 'make simulate SEEDS=10000'
	@echo '            so many simulated worlds in which all goes wrong, on all cores'
	@echo 'make torture'
	@echo '            10,000 payments in each runtime, with dropped connections and kill -9'
	@echo '            (ARGS="--payments N --runtime R --seed S --seconds T")'
	@echo 'make soak   1,000,000 requests and 2,000 reconnects in each runtime; nothing may grow or lag'
	@echo '            (ARGS="--requests N --reconnects N --runtime R --journal J --seed S")'
	@echo 'make conformance'
	@echo '            RFC 6455 and 7692 by the Autobahn test suite, which needs Python 2.7'
	@echo '            (ARGS="--no-compression", ARGS="--role client 7.*")'
	@echo 'make fuzz MINUTES=1'
	@echo '            each parser and machine for so long under a coverage-guided fuzzer'
	@echo '            (ARGS="frames service": only these)'
	@echo 'make evidence'
	@echo '            the other suites that show a claim, each recorded in docs/evidence.md'
	@echo '            (ARGS="tls rest": only these)'
	@echo 'make bench  the library beside its peers, in turns; about a quarter of an hour'
	@echo '            (ARGS="asyncio trio --rounds 9 --write")'
	@echo 'make lint   formatting, lint and types only'
	@echo 'make clean  remove .venv and everything else that was made here'
	@echo
	@echo 'Each sets up .venv first, if need be (PYTHON=/path/to/python chooses the interpreter).'

demo: $(VENV)/.installed-demo
	@$(BIN)/dojo-epos demo $(ARGS)

venv: $(VENV)/.installed-dev

test: lint
	$(BIN)/pytest --cov --cov-report=term $(ARGS)

simulate: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

torture: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.torture $(ARGS)

soak: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.soak $(ARGS)

conformance: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.conformance $(ARGS)

fuzz: $(VENV)/.installed-fuzz
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(ARGS)

evidence: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.evidence $(ARGS)

bench: $(VENV)/.installed-bench
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .conformance .fuzz build dist htmlcov .coverage .coverage.* \
	    .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The interpreter's own file is the target: an upgrade renews what is installed, and when it is gone
# the venv is made anew. Make looks at the stamps before it does so, hence they go here.
$(shell test -x $(BIN)/python || rm -f $(VENV)/.installed-*)

# A Python without ensurepip (Debian ships one) has its own pip put one into the venv.
$(BIN)/python:
	@for python in $(PYTHONS); do \
	    found=$$("$$python" -c '$(PROBE)' 2>/dev/null) || found='was not found, or does not run'; \
	    case $$found in *'will do') break ;; esac; \
	    tried="$$tried  $$python $$found\n"; python=; \
	done; \
	if [ -z "$$python" ]; then \
	    printf 'dojo-proto needs Python 3.11 or newer, with pip. These were tried:\n%b' "$$tried"; \
	    printf 'Install one, or name it: make %s PYTHON=/path/to/python3\n' '$(MAKECMDGOALS)'; \
	    exit 1; \
	fi >&2; \
	echo "setting up $(VENV) with $$python ($${found%% *})"; \
	if "$$python" -c 'import ensurepip' 2>/dev/null; then \
	    "$$python" -m venv --clear $(VENV); \
	else \
	    "$$python" -m venv --clear --without-pip $(VENV) && \
	    "$$python" -m pip --python $@ install --quiet pip; \
	fi

$(VENV)/.installed-demo: pyproject.toml $(BIN)/python
	@echo 'installing what the demo needs (once; well under a minute)'
	@$(PIP_INSTALL) --editable '.[trio,anyio]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(BIN)/python
	@echo 'installing what the tests need (once; about a minute)'
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	@$(PIP_INSTALL) --editable '.[dev,bench]'
	@touch $@

# There are wheels of it for CPython on Linux only, hence it is none of the tests' requirements.
$(VENV)/.installed-fuzz: $(VENV)/.installed-dev
	@$(PIP_INSTALL) 'atheris>=3,<4'
	@touch $@
