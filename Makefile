.DEFAULT_GOAL := help
.PHONY: help build demo test test-deploy chaos lint clean

OUT ?= demo-out

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

build: ## release binaries in target/release
	cargo build --release --locked

demo: ## the main job on examples/, with no model, no broker and the best sandbox this machine has
	cargo build --locked -p coordinator
	target/debug/case2code run examples examples/functions.jsonl --writer builtin --out $(OUT)
	@echo
	@echo "one sample:"
	@target/debug/case2code show $(OUT)

test: ## all tests; installs RabbitMQ and a Docker engine if they are missing
	./deploy/test-services.sh
	cargo test --locked --workspace --all-features

test-deploy: ## images, compose, dashboards, alerts, Kubernetes; installs what it needs from Debian and PyPI
	./deploy/test-services.sh
	cargo build --locked -p coordinator -p worker-llm -p worker-exec --bins
	./deploy/tests/run

chaos: ## everything that can go wrong in a fleet; FLAGS="--broker 4", FLAGS=--help …
	./deploy/test-services.sh
	cargo build --locked --workspace --all-features
	cargo test --locked -p coordinator --all-features --test chaos -- --full $(FLAGS)

lint: ## what CI checks besides tests
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

clean: ## build results and the demo's output
	cargo clean
	rm -rf $(OUT)
