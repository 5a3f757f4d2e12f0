//! One chat of Polychat: its actor, its feed, its turn runner.
pub mod feed;
pub mod subscription;
