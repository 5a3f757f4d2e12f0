//! Stores that break one promise each, to show that the [store suite](crate::store_suite) can fail.
//!
//! [`NaiveStore`] is the plainest store one can write: one lock, one map, every rule one line. With
//! [`Wrong::Nothing`] it is right, and serves as the model to which real stores are compared; with
//! any other [`Wrong`] exactly one of those lines is missing.

mod naive;
mod wrong;

pub use self::{naive::NaiveStore, wrong::Wrong};
