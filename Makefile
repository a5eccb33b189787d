# Everything runs in .venv, which is made on the first use; a second run finds it up to date.
#
#   make study       train a small network on real digits, find its narrowest softmax, build and verify the hardware
#   make test        run the tests
#
#   make test-long   the tests that take minutes        make lint    style
#   make test-keras  those of Keras on TensorFlow and JAX, in an environment of their own
#   make native      the compiled engine, in place      make arm     compile it for 64-bit Arm
#   make sanitize    its tests under sanitizers         make clean   remove what was made
#   make readme      the README's table of results      make lock    resolve requirements/ anew
#   make catalogue   the pages of docs/architectures

PYTHON ?= python3
SOURCE ?= digits-cnn

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
READY := .venv/ready
NATIVE := setup.py $(wildcard src/narrowmax/engines/compiled/native/*.[ch])
EXTENSION := narrowmax/engines/compiled/_native
# torch's builds for processors alone, asked for only where the usual index has none
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# What was trained and built is kept here, so that a second run is quick and a fresh clone is fresh.
export NARROWMAX_CACHE ?= $(CURDIR)/.cache

.PHONY: study test test-long test-keras lint native arm sanitize readme catalogue lock clean

study: $(READY)
	$(BIN)/narrowmax study $(SOURCE) --out study/$(SOURCE)

# Two workers, each with one thread: that is what two cores carry.
test test-long test-keras lint sanitize: export OMP_NUM_THREADS = 1

test test-long: export KERAS_BACKEND = torch

test: $(READY) lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

test-long: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

# On torch they are run by `make test`.  narrowmax is taken from src, with its engine where `make` has compiled one.
test-keras: .venv-keras/packages
	@for backend in tensorflow jax; do \
	  echo "Keras on $$backend" >&2; \
	  KERAS_BACKEND=$$backend TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH="$(CURDIR)/src" \
	  .venv-keras/bin/python -m pytest -n 2 --dist worksteal -m "not long" tests/keras_backends || exit 1; \
	done

.venv-keras/packages: requirements/keras.txt
	@$(PYTHON) -m venv .venv-keras
	@echo "installing the packages of requirements/keras.txt into .venv-keras" >&2
	@.venv-keras/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	@touch $@

lint: $(READY)
	$(BIN)/ruff check --quiet setup.py src tests docs benchmarks

# Installing compiles, and does not fail where that fails; whoever asks for the compiled engine is told.
native: $(READY)
	@ls src/$(EXTENSION).*.so 2>/dev/null \
	|| { echo "the compiled engine was not built; what the compiler said: $(BIN)/python setup.py build_ext --inplace" >&2; exit 2; }

# Linked too, against nothing of Python's: an extension finds the interpreter when it is loaded.
arm: $(READY) .venv/ziglang
	@rm -rf build/arm
	CC="$(CURDIR)/$(BIN)/python -m ziglang cc -target aarch64-linux-gnu" \
	$(BIN)/python setup.py --quiet build_ext --build-temp build/arm --build-lib build/arm
	@ls build/arm/$(EXTENSION).*.so

# A second narrowmax in build/sanitize, which PYTHONPATH puts before the installed one.  Python's own flags may hold
# -fwrapv, which would hide an overflow.  The tests that compile simulated hardware are left out: they run other code.
# Their reports go past pytest, which would be gone with what it had kept.
SANITIZERS := -O1 -g -fno-wrapv -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZED ?= tests/engines tests/designs $(wildcard tests/models/test_[aeg]*.py tests/models/test_contexts.py tests/models/test_l*.py) \
  tests/search/test_designs_of_the_catalogue.py --ignore-glob='*_verilog*.py'

sanitize: $(READY)
	@rm -rf build/sanitize
	CC=gcc NARROWMAX_CFLAGS="$(SANITIZERS)" \
	$(BIN)/python setup.py --quiet build --build-base build/sanitize --build-lib build/sanitize
	@ls build/sanitize/$(EXTENSION).*.so
	@export PYTHONPATH="$(CURDIR)/build/sanitize" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)"; \
	$(BIN)/python -m pytest -n 2 --dist worksteal --max-worker-restart 0 --capture sys -m "not long" $(SANITIZED)

$(READY): .venv/packages .venv/compiler pyproject.toml src/narrowmax/__init__.py $(NATIVE)
	@echo "installing narrowmax into .venv" >&2
	@rm -f src/$(EXTENSION).*
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

# An engine and the simulated hardware are compiled; where a C or C++ compiler is missing, both come as a package.
.venv/compiler: .venv/made requirements/ziglang.txt
	@any() { for name; do if [ -n "$$name" ] && command -v "$$name" >/dev/null; then return 0; fi; done; return 1; }; \
	any "$${CC%% *}" gcc clang cc && any "$${CXX%% *}" g++ clang++ c++ || $(MAKE) --no-print-directory .venv/ziglang
	@touch $@

.venv/ziglang: .venv/made requirements/ziglang.txt
	@echo "installing ziglang, which has a C and a C++ compiler" >&2
	@$(PIP) install --require-hashes --requirement requirements/ziglang.txt
	@touch $@

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

catalogue: $(READY)
	$(BIN)/python -m docs.catalogue

lock: $(READY)
	$(PIP) install uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --extra test --output-file requirements/lock.txt pyproject.toml requirements/lock.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --output-file requirements/ziglang.txt requirements/ziglang.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --output-file requirements/keras.txt pyproject.toml requirements/keras.in

clean:
	rm -rf .venv .venv-keras .cache .pytest_cache .ruff_cache .hypothesis study build dist src/*.egg-info src/$(EXTENSION).*
