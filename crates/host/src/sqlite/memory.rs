//! SQLite's own memory.

use std::ffi::c_int;
use std::ptr;
use std::sync::Once;

use rusqlite::{Connection, ffi};

/// How large what is kept to undo a single statement may grow before it goes to a file, in bytes; negative: it never does.
/// SQLite takes the size for that of the first write to the file too, and writes nothing of a piece of 128 KiB or more: the
/// statement then fails as on a full disk.
const UNDO: c_int = -1;

/// Small pieces of memory that the writer keeps at hand: their size in bytes, and how many.
const PIECES: (c_int, c_int) = (1200, 500);

/// Settings of the process. Lets SQLite allocate without counting: each count takes a lock of the whole process, nothing
/// reads them, and the limits that rest on them are refused to guests.
pub(super) fn configure() {
    static ONCE: Once = Once::new();
    ONCE.call_once(configure_process);
}

#[expect(unsafe_code, reason = "SQLite's settings of the process have no safe wrapper")]
fn configure_process() {
    let counting: c_int = 0;
    // SAFETY: each option takes one int. Where SQLite runs already, as in a test that opened a database before its host, it
    // refuses and changes nothing.
    unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, counting);
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_STMTJRNL_SPILL, UNDO);
    }
}

/// Gives a connection that runs large statements more small pieces of memory at hand.
#[expect(unsafe_code, reason = "this setting of a connection has no safe wrapper")]
pub(super) fn more_at_hand(connection: &Connection) {
    let (size, count) = PIECES;
    // SAFETY: the handle is valid while `connection` is borrowed; without a buffer SQLite allocates one itself. Where
    // pieces are in use already it refuses and changes nothing.
    unsafe {
        ffi::sqlite3_db_config(
            connection.handle(),
            ffi::SQLITE_DBCONFIG_LOOKASIDE,
            ptr::null_mut::<u8>(),
            size,
            count,
        )
    };
}
