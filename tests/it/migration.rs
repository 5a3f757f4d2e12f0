//! From agent-world to here: its databases brought in, and what a single chat does differently.
//!
//! | file | holds |
//! |---|---|
//! | `old` | databases as agent-world writes them |
//! | `healthy` | what becomes of worlds, agents, chats and messages; the database stays as it is |
//! | `damaged` | what its saving fault wrote, and rows that cannot be placed |
//! | `differences` | each row of the table in `docs/migration.md` |

mod damaged;
mod differences;
mod healthy;
mod old;
