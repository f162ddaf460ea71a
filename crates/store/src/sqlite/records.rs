//! JSON objects of rows (rows/records.rs).

/// An occurrence `o` as a JSON object.
pub(super) const OCCURRENCE: &str = "json_object('recurrence_id', o.recurrence_id, 'predecessor', o.predecessor, \
     'ordinal', o.ordinal, 'status', o.status, 'succession', o.succession, 'title', o.title, 'due_local', o.due_local, \
     'due_tz', o.due_tz, 'due_at', o.due_at, 'start_local', o.start_local, 'start_tz', o.start_tz, \
     'start_at', o.start_at, 'completed_at', o.completed_at)";

/// A task `t` as a JSON object. What is no JSON is text there, so that it spoils its own row and not the whole statement.
pub(super) const TASK: &str = "json_object('id', t.id, 'version', t.version, 'title', t.title, \
     'description', t.description, 'priority', t.priority, \
     'tags', json(CASE WHEN json_valid(t.tags) THEN t.tags ELSE json_quote(t.tags) END), \
     'due', CASE WHEN t.due_local IS NOT NULL THEN json_object('local', t.due_local, 'tz', t.due_tz) END, \
     'start', CASE WHEN t.start_local IS NOT NULL THEN json_object('local', t.start_local, 'tz', t.start_tz) END, \
     'duration', t.duration, 'project', t.project_id, 'parent', t.parent_id, 'position', t.position, \
     'metadata', json(CASE WHEN t.metadata IS NULL THEN '{}' WHEN json_valid(t.metadata) THEN t.metadata \
      ELSE json_quote(t.metadata) END), \
     'recurrence', json(CASE WHEN json_valid(t.recurrence) THEN t.recurrence ELSE json_quote(t.recurrence) END), \
     'reminders', json(CASE WHEN json_valid(t.reminders) THEN t.reminders ELSE json_quote(t.reminders) END), \
     'status', t.status, \
     'created_at', t.created_at, 'updated_at', t.updated_at, 'completed_at', t.completed_at, 'deleted_at', t.deleted_at)";

/// A user `u` as a JSON object.
pub(super) const USER: &str = "json_object('id', u.id, 'name', u.name, 'role', u.role, 'tz', u.tz, 'settings', \
     json(CASE WHEN u.settings IS NULL THEN '{}' WHEN json_valid(u.settings) THEN u.settings ELSE json_quote(u.settings) END), \
     'version', u.version, 'created_at', u.created_at)";

/// A channel `c` as a JSON object.
pub(super) const CHANNEL: &str = "json_object('id', c.id, 'kind', c.kind, \
     'config', json(CASE WHEN json_valid(c.config) THEN c.config ELSE json_quote(c.config) END), 'created_at', c.created_at)";

/// An override `v` as a JSON object.
pub(super) const OVERRIDE: &str = "json_object('recurrence_id', v.recurrence_id, 'title', v.title, \
     'due_local', v.due_local, 'due_tz', v.due_tz, 'cancelled', v.cancelled)";
