//! The folder of a socket: it is its user's, and nobody else's.
//!
//! What a socket's own mode protects differs between systems, and it has its mode only after it
//! lies there. A folder that nobody else can enter protects everywhere and from the first moment.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::error::{Doing, SocketError};

/// All rights of everybody but the owner.
const OTHERS: u32 = 0o077;
/// All rights there are, without the kind of file.
const RIGHTS: u32 = 0o7777;

/// The path with its folder resolved, which is private; the folder is made if there is none.
pub(super) fn private(path: &Path) -> Result<PathBuf, SocketError> {
    let not_a_path = |why| SocketError::NotAPath { path: path.to_owned(), why };
    let name = path.file_name().ok_or_else(|| not_a_path("it names no file"))?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .doing("making the folder", folder)?;
    // What is looked at is what is used, wherever a link of somebody's leads later.
    let folder = folder.canonicalize().doing("resolving the folder", folder)?;
    let metadata = fs::metadata(&folder).doing("looking at the folder", &folder)?;
    let (owner, user, mode) = (metadata.uid(), super::peer::this_user(), metadata.mode() & RIGHTS);
    if owner != user {
        return Err(SocketError::ForeignFolder { folder, owner, user });
    }
    if mode & OTHERS != 0 {
        return Err(SocketError::FolderOpenToOthers { folder, mode });
    }
    let path = folder.join(name);
    match std::os::unix::net::SocketAddr::from_pathname(&path) {
        Ok(_) => Ok(path),
        Err(_) => Err(SocketError::NotAPath { path, why: "it is too long" }),
    }
}
