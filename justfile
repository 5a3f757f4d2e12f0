# The verbs of this repository. CI runs `.ci/run`, which needs none of them.

# Chat with several demo chats at once: `a: hello`, `b: my name is Ada`, `a: /cancel`.
run *ARGS:
    cargo run --release --example concurrent_chats -- {{ARGS}}

# All tests, doctests included; the README's test command.
test:
    cargo test --workspace --all-features

# What a commit must pass quickly: formatting and lints.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The documentation, with warnings denied.
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --all-features

# Every interleaving of the feed's lock and wakers.
loom:
    RUSTFLAGS="--cfg polychat_loom" cargo test --release -p polychat-chat-actor --test loom --target-dir target/loom

# Benchmarks; the tables are in docs/performance.md.
bench *ARGS:
    cargo bench --workspace {{ARGS}}

# Write the golden files anew, after a change of the stored or wire form that is meant.
bless:
    POLYCHAT_BLESS=1 cargo test -p polychat-core -p polychat-transport golden

# Everything that CI runs.
ci:
    bash .ci/run
