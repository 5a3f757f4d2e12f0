# The verbs of this repository. CI runs `.ci/run`, which needs none of them.

# Chat with several demo chats at once: `a: hello`, `b: my name is Ada`, `a: /cancel`.
run *ARGS:
    cargo run --release --example concurrent_chats -- {{ARGS}}

# All tests, doctests included; the README's test command.
test:
    cargo test --workspace --all-features

# What a commit must pass quickly: formatting, lints, documentation.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --all-features

# Every interleaving of the feed's lock and wakers.
loom:
    RUSTFLAGS="--cfg polychat_loom" cargo test --release -p polychat-chat-actor --test loom --target-dir target/loom

# Many kills, many power cuts, many random lives: hours. The figures are in docs/reliability.md.
long:
    POLYCHAT_KILL_ROUNDS=1000 POLYCHAT_CUT_ROUNDS=200 POLYCHAT_CUT_STEP=1 cargo test --all-features --test it crash:: -- --nocapture
    POLYCHAT_CASES=2000 cargo test --all-features --test it state_machine::

# Benchmarks; the tables are in docs/performance.md.
bench *ARGS:
    cargo bench --workspace {{ARGS}}

# Four chats at once on a real language model, offline; installs it once. The figures are in docs/performance.md.
real-model:
    bash tests/real_model/run

# Write all generated files anew, after a change of the stored or wire form that is meant.
bless:
    POLYCHAT_BLESS=1 cargo test -p polychat-core -p polychat-store -p polychat-transport --all-features -- golden types:: openapi
