# Two commands do everything: `make demo` and `make test`. Both create .venv and install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
OUTPUT ?= demo-output
OFFSCREEN := QT_QPA_PLATFORM=offscreen VTK_DEFAULT_OPENGL_WINDOW=vtkEGLRenderWindow

.PHONY: demo show test nightly mutation test-library test-slicer check-install brains lint bench bench-method bench-peers cmake-lists screenshots clean

demo: $(VENV)/.installed
	$(BIN)/python Resources/SampleData/demo.py --output $(OUTPUT)
	@$(MAKE) --no-print-directory show OUTPUT=$(OUTPUT) || echo "The results are there; only the module cannot be shown here."

# The module on the result of the demonstration, in a window or as a picture.
show: $(VENV)/.installed-host
	$(BIN)/python Resources/SampleData/show_module.py --output $(OUTPUT)

test: $(VENV)/.installed-test brains
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m coverage erase
	OMP_NUM_THREADS=1 LP_NUM_THREADS=0 $(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile
	$(BIN)/python Testing/tools/coverage_floor.py

# What takes too long for every change.
nightly: $(VENV)/.installed-test
	SAMREGISTRATION_NIGHTLY=1 OMP_NUM_THREADS=1 $(OFFSCREEN) $(BIN)/python -m pytest Testing/property \
		Testing/unit/test_faults.py Testing/widget/test_module_long_use.py

# How many small faults in geometry, losses, registration and segmentation the tests notice.
mutation: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python Testing/tools/mutation.py

# The library and its command line alone, on any system and any Python from 3.9.
test-library: $(VENV)/.installed-library
	$(BIN)/python -m pytest Testing/unit

# The module's self-test in 3D Slicer: make test-slicer SLICER=/path/to/Slicer [SLICER_TEST_OPTIONS=...]
test-slicer:
	"$(SLICER)" --testing --no-splash --no-main-window --python-script Testing/tools/run_in_slicer.py --load-only
	"$(SLICER)" --testing --no-splash --python-script Testing/tools/run_in_slicer.py $(SLICER_TEST_OPTIONS)

# Each part in a new virtual environment, where nothing but what it asks for is installed; PYTHONS="3.9 3.13" chooses.
check-install:
	$(PYTHON) Testing/tools/check_install.py $(PYTHONS:%=--python %)

# Two brains for one of the tests, which is left out where they are not to be had.
brains: $(VENV)/.installed
	@$(BIN)/python Resources/SampleData/fetch.py >/dev/null || echo "A test on two real brains will be left out."

lint: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Lists every script and resource of the module in its CMakeLists.txt.
cmake-lists:
	$(PYTHON) Testing/tools/cmake_lists.py

bench: $(VENV)/.installed-bench
	$(BIN)/python Testing/bench/run.py
	$(BIN)/python Testing/bench/update.py
	$(BIN)/python Testing/bench/segmentation.py
	$(BIN)/python Testing/bench/click_accuracy.py --every 20
	$(BIN)/python Testing/bench/training.py --size 96 --checkpointing --repeats 1
	$(OFFSCREEN) $(BIN)/python Testing/bench/module.py
	$(OFFSCREEN) $(BIN)/python Testing/bench/load.py
	PYTHONPATH=Testing/standin/src $(OFFSCREEN) $(BIN)/python Testing/bench/host_frame.py

# The tables of docs/method.md: trains twelve networks for each of three data sets, hours on a GPU, days on a CPU.
bench-method: $(VENV)/.installed-bench
	$(BIN)/python Testing/bench/method.py acdc
	$(BIN)/python Testing/bench/method.py abdomen --largest-grid 500000
	$(BIN)/python Testing/bench/method.py hippocampus

# Other registration programs for the benchmark, in an environment of their own: their pins clash with ours.
bench-peers: .venv-peers/.installed

.venv-peers/.installed: Testing/bench/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r Testing/bench/peers.txt
	touch $@

# The pictures of README and tutorial, of the brains of the demonstration.
screenshots: $(VENV)/.installed-test brains
	$(BIN)/python Testing/tools/screenshots.py
	$(BIN)/python Testing/tools/correct_pictures.py
	$(BIN)/python Resources/SampleData/demo.py --output $(OUTPUT)
	cp $(OUTPUT)/report.png Resources/Screenshots/report.png

clean:
	rm -rf $(VENV) $(OUTPUT)

# torch is pinned: this version is known to install as a CPU build on machines without CUDA.
INSTALL = @command -v $(PYTHON) >/dev/null || { echo "setup: there is no $(PYTHON); install Python 3.10 or newer." >&2; exit 1; }; \
	$(PYTHON) Testing/tools/set_up.py $(VENV) torch==2.13.0 --editable

$(VENV)/.installed: pyproject.toml
	$(INSTALL) .
	@touch $@

$(VENV)/.installed-library: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,train]'
	@touch $@

$(VENV)/.installed-host: pyproject.toml | $(VENV)/.installed
	$(INSTALL) '.[host]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/.installed
	$(INSTALL) '.[test,train,host]'
	@touch $@

$(VENV)/.installed-bench: pyproject.toml | $(VENV)/.installed-test
	$(INSTALL) '.[bench]'
	@touch $@
