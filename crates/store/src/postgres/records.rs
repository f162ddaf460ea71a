//! JSON objects of rows (rows/records.rs).

/// An override `v` as a JSON object.
pub(super) const OVERRIDE: &str = "json_build_object('recurrence_id', v.recurrence_id, 'title', v.title, \
     'due_local', v.due_local, 'due_tz', v.due_tz, 'cancelled', v.cancelled::int)";

/// A user `u` as a JSON object.
pub(super) const USER: &str = "json_build_object('id', u.id, 'name', u.name, 'role', u.role, 'tz', u.tz, \
     'settings', coalesce(u.settings, '{}'), 'version', u.version, 'created_at', u.created_at)";

/// A channel `c` as a JSON object.
pub(super) const CHANNEL: &str =
    "json_build_object('id', c.id, 'kind', c.kind, 'config', c.config, 'created_at', c.created_at)";
