//! Stores that fail at one call of a chat's whole life, each call in turn; and disks that fail.
//!
//! | file | holds |
//! |---|---|
//! | `nth` | a store that fails at its n-th call |
//! | `life` | the life, and what must hold after each fault |
//! | `disk` | a disk that is full, a file that is held, a folder that cannot be written to |

mod disk;
mod life;
mod nth;
