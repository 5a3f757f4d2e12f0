//! Recovery: what a chat says once its actor, or the whole process, was lost and it lives again.
//!
//! A turn begun and not ended ends as interrupted, its open message keeps the text saved, calls that
//! ran have an unknown outcome, whatever only waited goes on waiting, queued prompts run, and
//! nothing runs again.
//!
//! | file | holds |
//! |---|---|
//! | `states` | the states in which a chat can be lost, how it gets there, and what must follow |
//! | `table` | each of them lost in each way, over each sort of store |
//! | `lives` | one process after another over the same logs |
//! | `lines` | a log as lines that people can compare |
//! | `approvals` | what people decided, and what they still may decide |
//! | `deletion` | chats that were being deleted |
//! | `quarantine` | logs that are damaged, or another chat's |
//! | `waiting` | who waits for the outcome of a prompt whose chat fails |
//! | `worlds` | the world's own log, and stores that are away while a world opens |

mod approvals;
mod deletion;
mod lines;
mod lives;
mod quarantine;
mod states;
mod table;
mod waiting;
mod worlds;
