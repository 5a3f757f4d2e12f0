//! Where this user's files lie, unless the command line says otherwise.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, base_strategy::choose_native_strategy};

use crate::error::Error;

/// The name of our folder among those of other programs.
const OURS: &str = "polychat";
/// The file of all worlds.
const DATA: &str = "chats.db";
/// The file of the configuration.
const CONFIG: &str = "polychat.toml";

/// The file of all worlds; its folder is made, for this user only.
pub(crate) fn data() -> Result<PathBuf, Error> {
    let folder = choose_native_strategy().map_err(Error::NoDataFolder)?.data_dir().join(OURS);
    make(&folder).map_err(|source| Error::DataFolder { folder: folder.clone(), source })?;
    Ok(folder.join(DATA))
}

/// The configuration of this user, if there is one.
pub(crate) fn config() -> Option<PathBuf> {
    let folder = choose_native_strategy().ok()?.config_dir().join(OURS);
    Some(folder.join(CONFIG)).filter(|file| file.is_file())
}

/// The socket of a world: in the folder that the system empties when the user has left, or beside
/// the data where there is none.
#[cfg(unix)]
pub(crate) fn socket(world: &str) -> Result<PathBuf, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !world.chars().all(plain) {
        return Err(Error::NoSocketName { world: world.to_owned() });
    }
    let places = choose_native_strategy().map_err(Error::NoSocketFolder)?;
    let folder = places
        .runtime_dir()
        .map_or_else(|| places.data_dir().join(OURS).join("run"), |folder| folder.join(OURS));
    Ok(folder.join(format!("{world}.sock")))
}

#[cfg(unix)]
fn make(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
