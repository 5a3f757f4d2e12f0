//! The rules of one chat: tables of inputs and the events they decide, and properties of any log.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod rules {
    mod approvals;
    mod broadcast;
    mod cancel;
    mod context;
    mod fork;
    mod golden;
    mod handoff;
    mod harness;
    mod laws;
    mod life;
    mod limits;
    mod logs;
    mod mention;
    mod modes;
    mod operations;
    mod policy;
    mod prompts;
    mod properties;
    mod queue;
    mod recovery;
    mod revise;
    mod size;
    mod titles;
    mod tools;
    mod turns;
    mod view;
    mod world;
}
