//! What a guest may do to a connection that outlives it.
//!
//! SQLite asks the authorizer while it prepares a statement. Reaching for other files or for process-wide settings is
//! refused; a change of the connection itself is noted, so that the pool can undo it or throw the connection away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// What was done to a connection since it was last reset.
#[derive(Default)]
pub(super) struct Marks {
    restore: AtomicBool,
    differs: AtomicBool,
    discard: AtomicBool,
}

impl Marks {
    /// A setting that the pool knows how to restore was touched. Clears the mark.
    pub fn take_restore(&self) -> bool {
        self.differs.store(false, Ordering::Relaxed);
        self.restore.swap(false, Ordering::Relaxed)
    }

    /// Statements may mean something else here than on a fresh connection.
    pub fn differs(&self) -> bool {
        self.differs.load(Ordering::Relaxed)
    }

    /// The connection cannot be made as new.
    pub fn discard(&self) -> bool {
        self.discard.load(Ordering::Relaxed)
    }
}

/// What a pragma with a value changes.
enum Effect {
    /// The database, or nothing: it is a question.
    None,
    /// How the connection's commits are made, which the pool restores.
    Commits,
    /// The connection, in another way that the pool restores.
    Restorable,
    /// The connection, in some other way.
    Lasting,
    /// The whole process.
    Process,
}

/// Watches one connection.
pub(super) fn watch(connection: &mut rusqlite::Connection) -> rusqlite::Result<Arc<Marks>> {
    let marks = Arc::new(Marks::default());
    let noted = marks.clone();
    connection.authorizer(Some(move |context: AuthContext<'_>| authorize(&noted, &context)))?;
    Ok(marks)
}

fn authorize(marks: &Marks, context: &AuthContext<'_>) -> Authorization {
    use AuthAction as A;
    match context.action {
        A::Attach { .. } | A::Detach { .. } => return Authorization::Deny,
        A::Function { function_name } if function_name.eq_ignore_ascii_case("load_extension") => {
            return Authorization::Deny;
        }
        A::Pragma { pragma_name, pragma_value: Some(value) } => match effect(pragma_name, value) {
            Effect::None => {}
            Effect::Commits => marks.restore.store(true, Ordering::Relaxed),
            Effect::Restorable => {
                marks.restore.store(true, Ordering::Relaxed);
                marks.differs.store(true, Ordering::Relaxed);
            }
            Effect::Lasting => marks.discard.store(true, Ordering::Relaxed),
            Effect::Process => return Authorization::Deny,
        },
        A::Read { .. } | A::Select | A::Recursive => {}
        _ if context.database_name == Some("temp") => marks.discard.store(true, Ordering::Relaxed),
        _ => {}
    }
    Authorization::Allow
}

fn effect(pragma: &str, value: &str) -> Effect {
    match pragma.to_ascii_lowercase().as_str() {
        "synchronous" => Effect::Commits,
        "foreign_keys" | "busy_timeout" => Effect::Restorable,
        "journal_mode" if value.eq_ignore_ascii_case("wal") => Effect::None,
        "soft_heap_limit" | "hard_heap_limit" | "temp_store_directory" | "data_store_directory" => {
            Effect::Process
        }
        "application_id" | "auto_vacuum" | "encoding" | "foreign_key_check" | "foreign_key_list"
        | "incremental_vacuum" | "index_info" | "index_list" | "index_xinfo" | "integrity_check"
        | "optimize" | "page_size" | "quick_check" | "table_info" | "table_list" | "table_xinfo"
        | "user_version" | "wal_checkpoint" => Effect::None,
        _ => Effect::Lasting,
    }
}
