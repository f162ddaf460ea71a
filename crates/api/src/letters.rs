//! Dead letters: events that were given up, to be looked at, sent again or put away.

use http::StatusCode;
#[cfg(feature = "schema")]
use perennial_domain::pattern::LINE;
use perennial_domain::{
    Commit, Context, ExpectLetter, Invalid, LetterAction, LetterId, LetterStatus, Plain, change_letters,
    tag as line,
};
use perennial_events::DeadLetterRecord;
use perennial_http_api::{
    Caller, IdempotencyKey, PageQuery, Problem, Query, Request, Response, answer, json, no_content,
};
use perennial_store::{KeptLetter, LetterFilter, LetterStore, Store, SystemStore};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Api;
use crate::api::{Answered, Decision};

/// Most letters that one request changes.
const MOST: usize = 1_000;

/// Letters that its answer shows.
const SHOWN: usize = 10;

/// Which dead letters are meant: those that are all of this.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct LettersInput {
    #[serde(default = "open")]
    status: Plain<LetterStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), regex(pattern = LINE)))]
    topic: Option<String>,
    /// Who gave them up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), regex(pattern = LINE)))]
    consumer: Option<String>,
    /// Whose events they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), regex(pattern = LINE)))]
    user: Option<String>,
    /// The type of the events.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 100), regex(pattern = LINE)))]
    kind: Option<String>,
    /// These, and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1_000)))]
    ids: Option<Vec<LetterId>>,
    /// The `next_after` of the answer before: only those that come after it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    after: u64,
    /// How many at most.
    #[serde(default = "most")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000)))]
    limit: u64,
    /// Whether only to say which they would be. Unless told, nothing is changed.
    #[serde(default = "yes")]
    dry_run: bool,
}

fn open() -> Plain<LetterStatus> {
    Plain(LetterStatus::Open)
}

fn most() -> u64 {
    u64::try_from(MOST).unwrap_or(u64::MAX)
}

fn yes() -> bool {
    true
}

/// What became, or would become, of many dead letters.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct LettersView {
    /// Whether nothing was changed.
    dry_run: bool,
    /// How many they are.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000)))]
    count: usize,
    /// The first of them, as they were before.
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    items: Vec<DeadLetterRecord>,
    /// Where there may be more of them: what to send as `after` next.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    next_after: Option<i64>,
}

pub(crate) fn list(store: &impl LetterStore, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::of_rows(query)?;
    let after = page.after(|text| text.parse::<i64>().ok())?.unwrap_or_default();
    let text = |name| query.get(name).map(str::to_owned);
    let filter = LetterFilter {
        status: query.get("status").and_then(LetterStatus::named),
        topic: text("topic"),
        consumer: text("consumer"),
        user: text("user"),
        ..LetterFilter::default()
    };
    let found = store.letters(&filter, after, page.to_store().limit)?;
    let end = found.end.map(|place| place.to_string());
    let place = |letter: &KeptLetter| letter.place.to_string();
    Ok(answer(StatusCode::OK, &page.show_part(&found.letters, false, end, place, DeadLetterRecord::from)))
}

pub(crate) fn get(store: &impl LetterStore, id: &str) -> Result<Response, Problem> {
    let letter = store.letter(id)?.ok_or_else(Problem::not_found)?;
    Ok(answer(StatusCode::OK, &DeadLetterRecord::from(&letter)))
}

/// Changes one.
pub(crate) fn change<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    (action, id): (LetterAction, &str),
) -> Result<Answered, Problem> {
    api.write(caller, request, |store, ctx| {
        let letter = store.letter(id)?.ok_or_else(Problem::not_found)?;
        if action == LetterAction::Replay && !letter.is_event() {
            return Err(Invalid::at("", "a dead letter that is no event cannot be sent again").into());
        }
        if !action.changes(letter.status) {
            return Ok(Decision::nothing(
                change_letters(ctx, action, Vec::new(), &letter.id, json!(null)),
                no_content(),
            ));
        }
        Ok(Decision::write(changed(ctx, action, &letter), no_content()))
    })
}

/// What changes one.
pub(crate) fn changed(ctx: &mut Context<'_>, action: LetterAction, letter: &KeptLetter) -> Commit {
    let asked = json!({ "event": letter.event_id, "count": 1 });
    change_letters(ctx, action, vec![expected(letter)], &letter.id, asked)
}

/// Changes many, or says which they would be. What is no event is not sent again.
pub(crate) fn change_many<S: Store + SystemStore>(
    api: &mut Api<'_, S>,
    caller: &Caller,
    request: &Request,
    action: LetterAction,
) -> Result<Answered, Problem> {
    let input: LettersInput = json(request, &["application/json"])?;
    let (filter, after, limit) = input.read()?;
    let choose = |store: &S| -> Result<(Vec<KeptLetter>, LettersView), Problem> {
        let mut found = store.letters(&filter, after, limit)?;
        let is_full = found.letters.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let last = found.letters.last().map(|letter| letter.place).filter(|_| is_full);
        found.letters.retain(|letter| {
            action.changes(letter.status) && (action != LetterAction::Replay || letter.is_event())
        });
        let shown = LettersView {
            dry_run: input.dry_run,
            count: found.letters.len(),
            items: found.letters.iter().take(SHOWN).map(DeadLetterRecord::from).collect(),
            next_after: last.or(found.end),
        };
        Ok((found.letters, shown))
    };
    if input.dry_run {
        // Nothing is stored, under a key neither; but one that is none is refused as ever.
        IdempotencyKey::parse(request)?;
        let (_, shown) = choose(api.store)?;
        return Ok(Answered::read(answer(StatusCode::OK, &shown)));
    }
    api.write(caller, request, |store, ctx| {
        let (letters, shown) = choose(store)?;
        let asked = json!({ "asked": &input, "count": letters.len() });
        let commit =
            change_letters(ctx, action, letters.iter().map(expected).collect(), "dead-letters", asked);
        let decide = if letters.is_empty() { Decision::nothing } else { Decision::write };
        Ok(decide(commit, answer(StatusCode::OK, &shown)))
    })
}

impl LettersInput {
    /// Which are meant, after which place, and how many at most.
    fn read(&self) -> Result<(LetterFilter, i64, u32), Problem> {
        let mut invalid = Invalid::default();
        let mut text = |text: &Option<String>, pointer: &str| match line(text.as_ref()?, pointer) {
            Ok(text) => Some(text),
            Err(wrong) => {
                invalid.errors.extend(wrong.errors);
                None
            }
        };
        let (topic, consumer) = (text(&self.topic, "/topic"), text(&self.consumer, "/consumer"));
        let (user, kind) = (text(&self.user, "/user"), text(&self.kind, "/type"));
        if self.ids.as_ref().is_some_and(|ids| ids.len() > MOST) {
            invalid.add("/ids", format!("has more than {MOST} ids"));
        }
        if !(1..=most()).contains(&self.limit) {
            invalid.add("/limit", format!("must be a number from 1 to {MOST}"));
        }
        if !invalid.errors.is_empty() {
            return Err(invalid.into());
        }
        let ids = self.ids.as_ref().map(|ids| ids.iter().map(LetterId::to_string).collect());
        let filter = LetterFilter { status: Some(self.status.0), topic, consumer, user, kind, ids };
        Ok((
            filter,
            i64::try_from(self.after).unwrap_or(i64::MAX),
            u32::try_from(self.limit).unwrap_or(u32::MAX),
        ))
    }
}

fn expected(letter: &KeptLetter) -> ExpectLetter {
    ExpectLetter { place: letter.place, user_id: letter.user_id.clone(), status: letter.status }
}
