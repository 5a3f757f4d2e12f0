//! Testing Polychat and what plugs into it: checker, conformance suites, fault injection.

#[cfg(feature = "openai-server")]
pub mod openai_server;
pub mod clock;
pub mod faulty_store;
pub mod require;
pub mod samples;
pub mod store_suite;
pub mod wrong_stores;
pub mod fake_world;
pub mod transport_suite;
pub mod checker;
pub mod history;
pub mod view;
pub mod arbitrary;
