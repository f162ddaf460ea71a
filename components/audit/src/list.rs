//! Entries, the newest first.

use http::StatusCode;
use perennial_audit::view::EntryView;
use perennial_domain::{Timestamp, UserId};
use perennial_http_api::{PageQuery, Problem, Query, Response, answer};
use perennial_store::{AuditPlace, AuditStore, Audited};

pub(crate) fn list(store: &impl AuditStore, user: &UserId, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::read(query)?;
    let after = page.after(read)?;
    let asked = Audited {
        // What is written in another way is the id of nothing.
        subject: query.get("task").map(str::to_lowercase),
        from: instant(query, "from")?,
        until: instant(query, "until")?,
    };
    let found = store.audited(user, &asked, after.as_ref(), page.limit())?;
    let end = found.next.as_ref().map(write);
    let shown = page.show_part(
        &found.entries,
        false,
        end,
        |_| String::new(),
        |(entry, seal)| EntryView::new(entry, seal.as_ref()),
    );
    Ok(answer(StatusCode::OK, &shown))
}

/// What stands in a cursor for no id.
const NONE: &str = "-";

/// A place, as a cursor has it.
fn write(place: &AuditPlace) -> String {
    format!("{} {}", place.seq, if place.id.is_empty() { NONE } else { &place.id })
}

fn read(text: &str) -> Option<AuditPlace> {
    let (seq, id) = text.split_once(' ')?;
    let id = if id == NONE { "" } else { id };
    Some(AuditPlace { seq: seq.parse().ok().filter(|seq| *seq >= 0)?, id: id.to_owned() })
}

/// A parameter that is an instant.
pub(crate) fn instant(query: &Query, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let wrong = || Problem::malformed(format!("{name} is no instant, such as 2026-11-30T08:00:00Z"));
    query.get(name).map(|text| Timestamp::parse(text).ok_or_else(wrong)).transpose()
}
