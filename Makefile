# Everything runs in .venv, which is made on the first use; a second run finds it up to date.
#
#   make study       train a small network on real digits, find its narrowest softmax, build and verify the hardware
#   make test        run the tests
#
#   make test-long   the tests that take minutes        make lint    style
#   make test-keras  those of Keras on TensorFlow and JAX, in an environment of their own
#   make test-oldest those of networks, with every framework at its lowest version
#   make native      what is compiled, in place         make arm     compile it for 64-bit Arm
#   make sanitize    its tests under sanitizers         make clean   remove what was made
#   make readme      the README's table of results      make lock    resolve requirements/ anew
#   make catalogue   the pages of docs/architectures

PYTHON ?= python3
SOURCE ?= digits-cnn

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
READY := .venv/ready
NATIVE := setup.py $(wildcard src/narrowmax/engines/compiled/native/*.[ch] src/narrowmax/rows/native/*.[ch])
EXTENSIONS := narrowmax/engines/compiled/_native narrowmax/rows/_native
# torch's builds for processors alone, asked for only where the usual index has none
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# What was trained and built is kept here, so that a second run is quick and a fresh clone is fresh.
export NARROWMAX_CACHE ?= $(CURDIR)/.cache

.PHONY: study test test-long test-keras test-oldest lint native arm sanitize readme catalogue lock clean

study: $(READY)
	$(BIN)/narrowmax study $(SOURCE) --out study/$(SOURCE)

# Two workers, each with one thread: that is what two cores carry.
test test-long test-keras test-oldest lint sanitize: export OMP_NUM_THREADS = 1

test test-long: export KERAS_BACKEND = torch

test: $(READY) lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

test-long: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

# In other environments narrowmax is taken from src, with its engine where `make` has compiled one.
test-keras test-oldest: export PYTHONPATH = $(CURDIR)/src
test-keras test-oldest: export TF_CPP_MIN_LOG_LEVEL = 3

# $(1): an environment; $(2): backends of Keras; $(3): marks of tests; $(4): the tests
tested = for backend in $(2); do \
    echo "$(1), Keras on $$backend" >&2; \
    KERAS_BACKEND=$$backend $(1)/bin/python -m pytest -n 2 --dist worksteal -m "$(3)" $(4) || exit 1; \
  done

# On torch they are run by `make test`.
test-keras: .venv-keras/packages
	@$(call tested,.venv-keras,tensorflow jax,not long,tests/keras_backends)

test-oldest: .venv-oldest/packages .venv-oldest-keras/packages
	@$(call tested,.venv-oldest,torch,$(OLDEST),tests/models $(KERAS_TESTS))
	@$(call tested,.venv-oldest-keras,tensorflow jax,$(OLDEST),$(KERAS_TESTS))

OLDEST := not long and not newer
# without the studies of pages, which train for long and depend on no version
KERAS_TESTS := $(filter-out %/test_forum_trap.py %/test_resnet8.py,$(wildcard tests/keras_backends/test_*.py))

# The locks are complete; pip, asked for dependencies, would look for newer versions of extras than they have.
.venv-keras/packages .venv-oldest/packages .venv-oldest-keras/packages: .venv-%/packages: .venv-%/made requirements/%.txt
	@echo "installing the packages of requirements/$*.txt into .venv-$*" >&2
	@.venv-$*/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --requirement requirements/$*.txt
	@touch $@

.venv-oldest/packages: .venv-oldest/torch

lint: $(READY)
	$(BIN)/ruff check --quiet setup.py src tests docs benchmarks

# Installing compiles, and does not fail where that fails; whoever asks for the compiled engine is told.
native: $(READY)
	@ls $(EXTENSIONS:%=src/%.*.so) 2>/dev/null \
	|| { echo "an extension was not built; what the compiler said: $(BIN)/python setup.py build_ext --inplace" >&2; exit 2; }

# Linked too, against nothing of Python's: an extension finds the interpreter when it is loaded.
arm: $(READY) .venv/ziglang
	@rm -rf build/arm
	CC="$(CURDIR)/$(BIN)/python -m ziglang cc -target aarch64-linux-gnu" \
	$(BIN)/python setup.py --quiet build_ext --build-temp build/arm --build-lib build/arm
	@ls $(EXTENSIONS:%=build/arm/%.*.so)

# A second narrowmax in build/sanitize, which PYTHONPATH puts before the installed one.  Python's own flags may hold
# -fwrapv, which would hide an overflow.  The tests that compile simulated hardware are left out: they run other code.
# Their reports go past pytest, which would be gone with what it had kept.
SANITIZERS := -O1 -g -fno-wrapv -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZED ?= tests/rows tests/engines tests/designs $(wildcard tests/models/test_[aeg]*.py tests/models/test_contexts.py tests/models/test_l*.py) \
  tests/search/test_designs_of_the_catalogue.py --ignore-glob='*_verilog*.py'

sanitize: $(READY)
	@rm -rf build/sanitize
	CC=gcc NARROWMAX_CFLAGS="$(SANITIZERS)" \
	$(BIN)/python setup.py --quiet build --build-base build/sanitize --build-lib build/sanitize
	@ls $(EXTENSIONS:%=build/sanitize/%.*.so)
	@export PYTHONPATH="$(CURDIR)/build/sanitize" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)"; \
	$(BIN)/python -m pytest -n 2 --dist worksteal --max-worker-restart 0 --capture sys -m "not long" $(SANITIZED)

$(READY): .venv/packages .venv/compiler pyproject.toml src/narrowmax/__init__.py $(NATIVE)
	@echo "installing narrowmax into .venv" >&2
	@rm -f $(EXTENSIONS:%=src/%.*)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/packages: .venv/torch requirements/lock.txt
	@echo "installing the packages of requirements/lock.txt" >&2
	@$(PIP) install --require-hashes --requirement requirements/lock.txt
	@touch $@

# Without its dependencies, which the lock has: so no package of CUDA is ever fetched.
.venv/torch .venv-oldest/torch: %/torch: %/made requirements/torch.txt
	@echo "installing torch into $*" >&2
	@version=$$(sed -n 's/^torch==//p' requirements/torch.txt); \
	pip() { $*/bin/python -m pip --disable-pip-version-check --quiet "$$@"; }; \
	pip install --no-deps "torch==$$version+cpu" 2>/dev/null \
	|| pip install --no-deps --index-url $(TORCH_INDEX) "torch==$$version"
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

.venv/made .venv-keras/made .venv-oldest/made .venv-oldest-keras/made: %/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "narrowmax needs Python 3.11 or later, and $(PYTHON) is not; name another: make PYTHON=python3.12" >&2; exit 2; }
	@echo "making $*" >&2
	@$(PYTHON) -m venv $*
	@touch $@

readme: $(READY)
	$(BIN)/narrowmax study digits-cnn --out study/digits-cnn
	$(BIN)/narrowmax study digits-vit --out study/digits-vit
	$(BIN)/python docs/results.py study/digits-cnn/record.json study/digits-vit/record.json

catalogue: $(READY)
	$(BIN)/python -m docs.catalogue

RESOLVE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade
FRAMEWORKS := torch transformers lightning keras onnx tflite images files report

lock: $(READY)
	$(PIP) install uv
	$(RESOLVE) --extra test --output-file requirements/lock.txt pyproject.toml requirements/lock.in
	$(RESOLVE) --output-file requirements/ziglang.txt requirements/ziglang.in
	$(RESOLVE) --output-file requirements/keras.txt pyproject.toml requirements/keras.in
	$(RESOLVE) --resolution lowest-direct $(FRAMEWORKS:%=--extra %) \
	  --output-file requirements/oldest.txt pyproject.toml requirements/oldest.in
	$(RESOLVE) --resolution lowest-direct \
	  --output-file requirements/oldest-keras.txt pyproject.toml requirements/keras.in

clean:
	rm -rf .venv .venv-keras .venv-oldest .venv-oldest-keras .cache .pytest_cache .ruff_cache .hypothesis study build dist src/*.egg-info $(EXTENSIONS:%=src/%.*)
