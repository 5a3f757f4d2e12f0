//! Testing Polychat and what plugs into it: checker, conformance suites, fault injection.

pub mod arbitrary;
pub mod checker;
pub mod clock;
pub mod fake_world;
pub mod faulty_store;
pub mod history;
#[cfg(feature = "openai-server")]
pub mod openai_server;
pub mod require;
pub mod samples;
pub mod store_suite;
pub mod tools;
pub mod transport_suite;
pub mod view;
pub mod wrong_stores;
