# One cargo selection (`--workspace`) everywhere: a second one would build the engine a second time.
SHELL := /bin/sh
CARGO ?= cargo
PYTHON ?= python3
SVP := target/debug/svp
DEMO := target/demo
VENV := target/venv

COUNTY := target/county

.PHONY: help demo test check deny conformance faults soak bench release sample-data docs clean-demo

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: ## build, run the whole thread on the invented county, print where the report lies
	$(CARGO) build --workspace
	@mkdir -p $(DEMO)
	@test -f $(DEMO)/demo.key || $(SVP) key new --out $(DEMO)/demo.key --purpose demo
	$(SVP) check --area wessmark
	$(SVP) run --area wessmark --lake $(DEMO)/lake --key $(DEMO)/demo.key

test: ## every test; needs nothing but Rust (set SVP_DATA to run those on real data too)
	$(CARGO) build --workspace
	$(CARGO) test --workspace

check: ## formatting, lints, docs, architecture
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps
	@$(MAKE) --no-print-directory deny

deny: ## advisories, licences and sources of the dependencies; skipped aloud without cargo-deny or its database
	@if ! $(CARGO) deny --version >/dev/null 2>&1; then \
	  echo "SKIPPED: cargo-deny is not installed (cargo install cargo-deny): advisories, licences and sources were not checked"; \
	elif $(CARGO) deny --offline check licenses bans sources && ! $(CARGO) deny fetch >/dev/null 2>&1; then \
	  echo "SKIPPED: the advisory database cannot be had: advisories were not checked"; \
	else $(CARGO) deny check; fi

release: ## the optimised binary, target/release/svp
	$(CARGO) build --release -p svp

$(VENV)/.ready: tests/conformance/requirements.txt tests/bench/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q -r tests/conformance/requirements.txt -r tests/bench/requirements.txt
	@touch $@

conformance: $(VENV)/.ready ## differential tests against the reference implementations, from PyPI
	$(CARGO) build --workspace
	$(CARGO) build --workspace --example method
	$(VENV)/bin/python tests/conformance/run.py

faults: ## damaged deliveries: right, refused or told, never wrong in silence
	$(CARGO) build --workspace
	$(or $(wildcard $(VENV)/bin/python),$(PYTHON)) tests/faults/run.py --svp $(SVP) --report target/faults/report.json

soak: $(VENV)/.ready ## the long tests: attacks on a county of 100,000 people, every damaged delivery ten times
	$(CARGO) build --workspace
	rm -rf $(COUNTY) && mkdir -p $(COUNTY) && cp -r pipelines schemas docs $(COUNTY)/
	target/debug/svp-sample --out $(COUNTY)/sample-data --people 100000 --seed 11
	SVP_COUNTY="$(CURDIR)/$(COUNTY)" $(CARGO) test --workspace --test it are_guessed_without_the_key -- --test-threads 1
	$(VENV)/bin/python tests/faults/run.py --each 10 --seed 11 --svp $(SVP) --report target/faults/report.json

bench: release $(VENV)/.ready ## ours and the peers', alternating, medians and ratios
	$(VENV)/bin/python tests/bench/run.py

sample-data: ## make the invented county anew: make sample-data PEOPLE=8000 SEED=2023
	$(CARGO) build --workspace
	target/debug/svp-sample --out sample-data $(if $(PEOPLE),--people $(PEOPLE)) $(if $(SEED),--seed $(SEED))

docs: ## write the generated pages of docs/ anew
	$(CARGO) build --workspace
	UPDATE_DOCS=1 $(CARGO) test --workspace --test it docs

clean-demo: ## forget the demo's lake and key
	rm -rf $(DEMO)
