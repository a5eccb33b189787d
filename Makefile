# Everything runs in .venv, which is made on the first use; a second run finds it up to date.
#
#   make study       train a small network on real digits, find its narrowest softmax, build and verify the hardware
#   make test        run the tests
#
#   make test-long   the tests that take minutes        make lint    style
#   make readme      the README's table of results      make clean   remove what was made
#   make lock        resolve requirements/ anew

PYTHON ?= python3
SOURCE ?= digits-cnn

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
READY := .venv/ready
# torch's builds for processors alone, asked for only where the usual index has none
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# What was trained and built is kept here, so that a second run is quick and a fresh clone is fresh.
export NARROWMAX_CACHE ?= $(CURDIR)/.cache

.PHONY: study test test-long lint readme lock clean

study: $(READY)
	$(BIN)/narrowmax study $(SOURCE) --out study/$(SOURCE)

# Two workers, each with one thread: that is what two cores carry.
test test-long lint: export OMP_NUM_THREADS = 1

test: $(READY) lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

test-long: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

lint: $(READY)
	$(BIN)/ruff check --quiet src tests docs benchmarks

$(READY): .venv/packages .venv/compiler pyproject.toml src/narrowmax/__init__.py
	@echo "installing narrowmax into .venv" >&2
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/packages: .venv/torch requirements/lock.txt
	@echo "installing the packages of requirements/lock.txt" >&2
	@$(PIP) install --require-hashes --requirement requirements/lock.txt
	@touch $@

# Without its dependencies, which the lock has: so no package of CUDA is ever fetched.
.venv/torch: .venv/made requirements/torch.txt
	@echo "installing torch" >&2
	@version=$$(sed -n 's/^torch==//p' requirements/torch.txt); \
	$(PIP) install --no-deps "torch==$$version+cpu" 2>/dev/null \
	|| $(PIP) install --no-deps --index-url $(TORCH_INDEX) "torch==$$version"
	@touch $@

# The simulated hardware is compiled; where there is no C++ compiler, one comes as a package.
.venv/compiler: .venv/made requirements/ziglang.txt
	@for name in "$${CXX%% *}" g++ clang++ c++; do \
	  if [ -n "$$name" ] && command -v "$$name" >/dev/null; then touch $@; exit 0; fi; \
	done; \
	echo "no C++ compiler found: installing ziglang" >&2; \
	$(PIP) install --require-hashes --requirement requirements/ziglang.txt && touch $@

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "narrowmax needs Python 3.11 or later, and $(PYTHON) is not; name another: make PYTHON=python3.12" >&2; exit 2; }
	@echo "making .venv" >&2
	@$(PYTHON) -m venv .venv
	@touch $@

readme: $(READY)
	$(BIN)/narrowmax study digits-cnn --out study/digits-cnn
	$(BIN)/narrowmax study digits-vit --out study/digits-vit
	$(BIN)/python docs/results.py study/digits-cnn/record.json study/digits-vit/record.json

lock: $(READY)
	$(PIP) install uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --extra test --output-file requirements/lock.txt pyproject.toml requirements/lock.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --output-file requirements/ziglang.txt requirements/ziglang.in

clean:
	rm -rf .venv .cache .pytest_cache .ruff_cache .hypothesis study build dist src/*.egg-info
