# make lab        open the course in JupyterLab      (BROWSER=none only serves)
# make test       run every test                     make notebooks  re-execute all notebooks (NB=03 for one)
# make toy        make the toy data                  make site       build the course as a site
# make browser    drive the notebooks in Chromium    make lint       check style
# make exercises  write the notebooks for students, with stubs for the solutions
# make assignments  write the exercises as nbgrader's source, into build/nbgrader
# make offline    pack all for a class without a network (WITHOUT="--without torch torchvision" for a small one)
# make publish REPO=https://github.com/OWNER/NAME   write your repository's address wherever it stands
# make release    refuse a release whose origin, tag and address differ
# make test-device  every lesson and command on the GPU, or on a pretend one
# make test-offline  pack the course without PyTorch, install it elsewhere and use it with the network cut
# make test-lowest  every test and lesson with the lowest versions that pyproject.toml allows, but none in a browser
# make bench      how fast the course is on this machine, in ten minutes (ROW=toy for some rows, THREADS=2)
# make clean      remove what was made

PYTHON ?= python3
PY := .venv/bin/python
NB ?=
REPO ?=
# In a container the user is often root, whom Jupyter asks to say so.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
TWO := OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2
LOWEST := build/lowest/bin
# The student copies have stubs: their code is run in the complete notebooks. The longest cell takes some two minutes on
# idle cores; the time-out is for one that hangs, so it leaves room for a machine that is slow, or busy with others' work.
NBVAL := --ignore notebooks/exercises --nbval-lax --nbval-current-env --nbval-cell-timeout 1800 --nbval-sanitize-with docs/tools/nbval.cfg

.PHONY: lab setup toy test test-device test-offline test-lowest browser notebooks exercises assignments offline publish \
	release lint site bench clean
.DELETE_ON_ERROR:

# A server cuts the connection at a message of over 10 MB, without a word; a larger upload should be answered by one.
lab: toy
	@echo "Opening JupyterLab. Stop it with Ctrl-C."
	$(PY) -m jupyterlab $(if $(filter none,$(BROWSER)),--no-browser) $(ROOT) \
		--ServerApp.tornado_settings="{'websocket_max_message_size': 200_000_000}" \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

setup: .venv/installed

.venv/installed: pyproject.toml
	@echo "Installing the course into .venv (a few minutes and 5 GB the first time) ..."
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet -e ".[dev]"
	# nbgrader makes the stubs; its menu would only be in a student's way.
	$(PY) -m jupyterlab.labextensions disable @jupyter/nbgrader > /dev/null 2>&1
	@touch .venv/installed

toy: data/toy_kitchen/flow/complete

# Asked each time: a complete set is kept as it is, and one of an older world is refused.
data/toy_kitchen/card.json: FORCE | .venv/installed
	@echo "Making Toy Kitchen (about two minutes, nothing where it is there) ..."
	$(PY) data_scripts/make_toy_kitchen.py > /dev/null

FORCE:

data/toy_kitchen/flow/complete: data/toy_kitchen/card.json
	@echo "Computing its optical flow (about a minute) ..."
	$(PY) data_scripts/compute_flow.py data/toy_kitchen
	@touch data/toy_kitchen/flow/complete

test: toy lint
	@echo "Testing the package, then every notebook, then every widget in Chromium ..."
	$(TWO) --dist loadfile -m "not browser and not device and not offline" tests
	$(TWO) --dist loadfile -p no:timeout $(NBVAL) notebooks
	$(TWO) --dist worksteal tests/browser

test-device: toy
	@echo "Running every lesson and every training command on the GPU, or on a pretend one where there is none ..."
	$(TWO) --dist worksteal -m device tests

test-offline: toy
	@echo "Packing the course without PyTorch, and using the archive with the network cut (downloads 0.7 GB) ..."
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -m offline tests/bootstrap

# uv writes the constraints: the lowest version of what pyproject.toml names, the newest of what that needs.
test-lowest: toy
	@echo "Testing with the lowest versions that pyproject.toml allows (6 GB in build/lowest the first time) ..."
	test -x $(LOWEST)/python || $(PYTHON) -m venv build/lowest
	$(LOWEST)/python -m pip install --quiet uv
	$(LOWEST)/uv pip compile --quiet --upgrade --resolution lowest-direct --python $(LOWEST)/python --extra dev pyproject.toml \
		--output-file build/lowest/constraints.txt
	$(LOWEST)/uv pip install --quiet --python $(LOWEST)/python --constraints build/lowest/constraints.txt -e ".[dev]"
	OMP_NUM_THREADS=1 $(LOWEST)/python -m pytest -q -n 2 --dist loadfile \
		-m "not browser and not device and not offline" tests
	OMP_NUM_THREADS=1 $(LOWEST)/python -m pytest -q -n 2 --dist loadfile -p no:timeout $(NBVAL) notebooks

browser: toy
	@echo "Driving every notebook in JupyterLab and Chromium ..."
	$(TWO) --dist worksteal tests/browser

notebooks: toy
	$(PY) docs/tools/execute.py $(NB)

exercises: setup
	$(PY) docs/tools/course_map.py
	$(PY) docs/tools/exercises.py

offline: toy
	@echo "Packing wheels, Toy Kitchen and the course into build/offline (a while: PyTorch alone weighs gigabytes) ..."
	$(PY) docs/tools/offline.py $(WITHOUT)

assignments: setup
	$(PY) docs/tools/assignments.py

publish: setup
	$(PY) docs/tools/publish.py $(REPO)

release: setup
	$(PY) docs/tools/release.py

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check lrcn_utils data_scripts docs tests benchmarks

site: setup
	@echo "Building the site into build/site ..."
	$(PY) docs/tools/build_site.py

bench: toy
	@echo "Measuring the course on this machine (ten minutes on two idle cores; leave it alone meanwhile) ..."
	$(PY) -m benchmarks $(if $(ROW),--row "$(ROW)") $(if $(THREADS),--threads $(THREADS))

clean:
	@echo "Removing .venv, Toy Kitchen, trained runs and what was built; real datasets in data/ stay ..."
	rm -rf .venv data/toy_kitchen build runs *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
