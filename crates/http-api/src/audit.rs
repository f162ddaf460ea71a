//! The query parameters of the audit, for the component that serves it and for the description of the API.

use perennial_domain::pattern::INSTANT;

use crate::{CURSOR, Form, LIMIT, Parameter};

/// Longest instant, in characters.
const MAX_INSTANT: usize = 30;

/// Longest body with anchors, in bytes.
pub const MAX_ANCHORS_BODY: usize = 512 * 1024;

const TASK: Parameter =
    Parameter { name: "task", form: Form::Id, words: "Only what was done to this task or project." };

const USER: Parameter = Parameter {
    name: "user",
    form: Form::Line(100),
    words: "Whose; needs the scope `admin` where it is not the caller's own id. Unless told, the caller's.",
};

const FROM: Parameter = Parameter {
    name: "from",
    form: Form::Text(MAX_INSTANT, INSTANT),
    words: "Only what was done from this instant on.",
};

const UNTIL: Parameter = Parameter {
    name: "until",
    form: Form::Text(MAX_INSTANT, INSTANT),
    words: "Only what was done before this instant.",
};

const AT: Parameter =
    Parameter { name: "at", form: Form::Text(MAX_INSTANT, INSTANT), words: "The instant; unless told, now." };

const AFTER: Parameter = Parameter {
    name: "after",
    form: Form::Text(20, "^[0-9]{1,18}$"),
    words: "The place in the chain to go on after; unless told, from its beginning.",
};

const HASH: Parameter = Parameter {
    name: "hash",
    form: Form::Text(64, "^[0-9a-f]{64}$"),
    words: "The hash at `after`, as the call before told it; unless told, the one that is stored.",
};

const LINES: Parameter = Parameter {
    name: "limit",
    form: Form::Number { from: 1, to: 1_000, default: 1_000 },
    words: "Most lines of the answer.",
};

/// Those of the list of entries.
pub const LIST: &[Parameter] = &[TASK, USER, FROM, UNTIL, LIMIT, CURSOR];

/// Those of the export of a chain.
pub const EXPORT: &[Parameter] = &[USER, AFTER, LINES];

/// Those of verifying a chain.
pub const VERIFY: &[Parameter] = &[USER, AFTER, HASH];

/// That of the anchor of a chain.
pub const ANCHOR: &[Parameter] = &[USER];

/// Those of a task at a time.
pub const TASK_AT: &[Parameter] = &[USER, AT];
