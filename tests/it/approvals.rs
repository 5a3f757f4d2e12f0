//! Calls that wait for a person (issue 3): decided, refused, ended, and free of cost meanwhile.
//!
//! | file | shows |
//! |---|---|
//! | `deciding` | allow, deny, answer, and every refusal by its code |
//! | `waiting` | no place, no actor, no deadline; what ends the waiting; restarts |
//! | `policies` | who is asked about what |
//! | `crowd` | ten thousand chats that wait beside a hundred that work |

mod crowd;
mod deciding;
mod policies;
mod waiting;
