//! Tools that run: real actors, and tools whose every act the test releases (issue 3, REQ-4).
//!
//! | file | shows |
//! |---|---|
//! | `turn_loop` | model, calls, results, model: who runs when, and what the model hears |
//! | `live` | what watchers see while a tool runs |
//! | `bounds` | floods, limits of size and time |
//! | `endings` | every way in which a call can end, each exactly once |
//! | `hostile` | tools that panic wherever they can |
//! | `lives` | crashes, restarts, shutdowns, a store that is away |
//! | `places` | places among the running turns |
//! | `entangled` | tools that reach back into the world that runs them, and out to threads |
//! | `sources` | where tools come from |

mod bounds;
mod endings;
mod entangled;
mod hostile;
mod live;
mod lives;
mod places;
mod sources;
mod turn_loop;
