//! The near ends of HTTP, beside servers that are played by hand.

mod by_hand;
mod commands;
mod streams;
mod web_socket;
