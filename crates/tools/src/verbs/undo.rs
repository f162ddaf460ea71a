//! Taking a change back.

use http::Method;
use perennial_http_api::Problem;
use perennial_store::{Store, SystemStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::{ChangeDoc, ChangeTold};
use crate::answer::Told;
use crate::arguments::{Id, said, wrong};
use crate::door::{Beside, Door, address};
use crate::names::Page;

/// Pages of changes in which one's own is looked for.
const PAGES: usize = 4;

/// Which change.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct UndoChange {
    #[serde(default)]
    change_id: Option<Id>,
    /// your own last
    #[serde(default)]
    last: bool,
    #[serde(default)]
    dry_run: bool,
}

/// What was taken back.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Undone {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    undone: Option<ChangeTold>,
    /// Of the undoing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 36)))]
    change_id: Option<String>,
}

pub(super) fn undo<S: Store + SystemStore>(
    door: &mut Door<'_, '_, S>,
    asked: &UndoChange,
) -> Result<Told, Problem> {
    door.api.dry_run |= asked.dry_run;
    let key = door.key(None)?;
    if let Some(key) = &key
        && let Some(done) = door.answer(key)?
    {
        return Ok(Told::new(&Undone { dry_run: false, undone: None, change_id: done.change_id }, true));
    }
    let change = match (said(asked.change_id.as_ref()), asked.last) {
        (Some(id), false) => {
            let none = || wrong("/change_id", "is no change of yours: get_history tells them");
            if perennial_domain::TaskId::parse(id).is_none() {
                return Err(none());
            }
            let found: Result<ChangeDoc, Problem> = door.get(&format!("/v1/changes/{id}"));
            found.map_err(|problem| match problem.kind() {
                perennial_http_api::Kind::NotFound => none(),
                _ => problem,
            })?
        }
        (None, true) => last(door)?,
        _ => return Err(wrong("", "needs either change_id or last")),
    };
    let beside = Beside { key: key.as_deref(), ..Beside::default() };
    let done = door.change(&Method::POST, &format!("/v1/changes/{}/undo", change.id), beside)?;
    let undone = Some(change.told(&door.clock()));
    Ok(Told::new(&Undone { dry_run: door.api.dry_run, undone, change_id: done.change_id }, true))
}

/// The last change of the caller: of this token, and of the agent that it goes by. One that took another back is not taken back in turn, so
/// that a repeated call takes back nothing further.
fn last<S: Store + SystemStore>(door: &mut Door<'_, '_, S>) -> Result<ChangeDoc, Problem> {
    let own = door.caller.actor.as_str().to_owned();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES {
        let query = [("limit", Some("50")), ("cursor", cursor.as_deref())];
        let page: Page<ChangeDoc> = door.get(&address("/v1/changes", &query))?;
        let found = page.items.into_iter().find(|change| change.actor == own);
        if let Some(change) = found {
            let query = [("subject", Some(change.subject.as_str())), ("limit", Some("2"))];
            let page: Page<ChangeDoc> = door.get(&address("/v1/changes", &query))?;
            if let [one, before] = page.items.as_slice()
                && one.id == change.id
                && takes_back(one, before)
            {
                let why = format!(
                    "has nothing more to take back: your last change ({}) took back the one before it. To go on, give the change_id of another",
                    change.id
                );
                return Err(wrong("/last", &why));
            }
            return Ok(change);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Err(wrong("/last", "finds no change of your own among the last ones: get_history tells the change ids"))
}

/// Whether a change has its subject as it was before another.
fn takes_back(one: &ChangeDoc, other: &ChangeDoc) -> bool {
    let same = |one: &Option<Value>, other: &Option<Value>| noted(one.as_ref()) == noted(other.as_ref());
    same(&one.after, &other.before) && same(&one.before, &other.after)
}

/// What is noted of a subject, but for how often it changed.
fn noted(side: Option<&Value>) -> Option<Value> {
    let mut side = side.filter(|side| !side.is_null())?.clone();
    if let Some(members) = side.as_object_mut() {
        members.retain(|name, _| !["version", "position", "followed"].contains(&name.as_str()));
    }
    Some(side)
}
