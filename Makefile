# What a developer does; CI does the same (.ci/run).
.PHONY: setup check quick test models slow docs lock

setup:  ## install for development, with the hooks of git where pre-commit is there
	python -m pip install --editable '.[test]'
	-pre-commit install

check:  ## style, types, floors: seconds
	ruff check .
	ruff format --check .
	mypy
	pytest tests/test_architecture.py tests/test_docs.py

quick:  ## the tests that need no model
	pytest tests/core tests/text tests/ingest/formats/test_formats.py tests/answer/proof

test:  ## the default tests: minutes; those that ask real models: make models
	pytest

models:  ## the tests that ask real models
	pytest -m "models and not slow"

slow:  ## the slow ones, too, and attacks of a minute each
	pytest -m slow --timeout 1500 --dist worksteal
	python -m tests.campaigns.kill_ingest -n 20

docs:  ## write config.toml, docs/reference/configuration.md and docs/reference/cli.md anew
	python tests/test_docs.py

COMPILE = uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url pyproject.toml
RUNTIME = --extra evaluate --extra mcp --extra ocr --extra openai --extra serve

lock:  ## pin what runs and what tests it, with hashes, for all platforms; not tuning's packages (needs uv)
	printf '%s\n' '# What runs, with every extra but tune and ray, for every platform: pip install --require-hashes -r requirements.lock && pip install --no-deps .' \
	  '# Made by `make lock`.' > requirements.lock
	$(COMPILE) $(RUNTIME) >> requirements.lock
	printf '%s\n' '# The same, and what the tests run with.' '# Made by `make lock`.' > requirements-test.lock
	$(COMPILE) $(RUNTIME) --extra test --constraint requirements.lock >> requirements-test.lock
