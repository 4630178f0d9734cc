# Everything starts here; each target sets up what it needs and repeats nothing.

PY = .venv/bin/python

.PHONY: run test proofs lint coverage docs sbom audit screenshots examples validation clean

run: ## sets everything up and serves the demo at http://127.0.0.1:8000
	@sh requirements/setup.sh
	@exec $(PY) -m readerstudy.serving.supervisor

test: ## sets everything up, lints, and runs every test on SQLite and what may differ on PostgreSQL too
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests

proofs: ## what `make test` leaves out: whole sites used, killed, upgraded and restored
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests --proofs

lint: ## the lint step of `make test` alone
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests --lint

coverage: ## the tests on SQLite alone, and what share of each package they run; a quarter slower than without
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests --coverage

docs: ## the site of the documents, in built-docs/, which asks nothing of another host
	@sh requirements/setup.sh --documents
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@! grep -rE 'src="http|<link[^>]*"http' built-docs --include='*.html'

sbom: ## what the site is built of, with versions and licences: sbom.cdx.json (CycloneDX)
	@sh requirements/setup.sh
	@exec $(PY) requirements/sbom.py

audit: ## asks the registers of weaknesses, where they can be reached, for what the site is built of
	@sh requirements/setup.sh
	@exec $(PY) requirements/audit.py

screenshots: ## the pictures in README.md and docs/tour.md, from the running product
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests.screenshots

examples: ## charter and report in docs/examples, of a simulated study and of the demonstration
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests.examples

validation: ## what is tested against which outside reference, as the tests ran: test-results/validation.pdf
	@sh requirements/setup.sh --development
	@exec $(PY) -m tests.validation

clean: ## removes what the set-up built; the data under var/ stay
	rm -rf .venv frontend/node_modules static/viewer static/js static/fonts test-results built-docs sbom.cdx.json
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
