//! Whom the server runs as: it refuses to run as root.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Users without rights, the first that there is.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// A user of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub uid: u32,
    pub gid: u32,
}

/// Somebody without rights; `None` where we are not root, and the server runs as we do.
pub(crate) fn without_rights() -> Option<User> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let found = NAMES.iter().find_map(|name| users.lines().find_map(|line| read(line, name)));
    Some(found.unwrap_or_else(|| panic!("none of {NAMES:?} is a user of this machine")))
}

/// Gives a file or folder to whom servers run as.
pub fn give(path: &Path) {
    if let Some(User { uid, gid }) = without_rights() {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// Lets a command run as servers do.
pub fn as_servers_do(command: &mut Command) -> &mut Command {
    match without_rights() {
        Some(User { uid, gid }) => command.uid(uid).gid(gid),
        None => command,
    }
}

/// `name:password:uid:gid:…`
fn read(line: &str, name: &str) -> Option<User> {
    let mut fields = line.split(':');
    (fields.next()? == name).then_some(())?;
    let mut numbers = fields.skip(1).map(str::parse);
    Some(User { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
}
