//! Polychat.
