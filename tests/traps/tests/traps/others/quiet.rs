//! How the service answers, and what its database holds then, where nobody is struck: what every answer is compared with.

use std::collections::BTreeMap;

use perennial_traps::{House, User};
use serde_json::{Map, Value};

use crate::operations::{Case, case};

/// The kinds of requests in an order in which each finds what it is about.
const ORDER: [(&str, &str); 12] = [
    ("create", "a"),
    ("get", "a"),
    ("list", "a"),
    ("as it was", "a"),
    ("complete", "a"),
    ("reopen", "a"),
    ("create", "b"),
    ("update", "b"),
    ("create", "c"),
    ("override", "c"),
    ("create", "d"),
    ("split", "d"),
];

/// How many rows there are of each sort.
pub type Books = BTreeMap<String, i64>;

/// A service where nobody is struck.
pub struct Quiet(BTreeMap<&'static str, Answered>);

/// What becomes of a request.
pub struct Answered {
    pub status: u16,
    /// What is answered, but for what no two answers have in common.
    pub body: Value,
    /// What it adds to the books of its user, once all that follows has happened.
    pub adds: Books,
    /// What its guest asks of the host.
    pub calls: Vec<String>,
}

impl Quiet {
    /// That of a user who is alone.
    pub async fn of(house: &House) -> Self {
        let user = house.user("quiet").await;
        // The first use of a token is noted.
        house.call("GET", "/v1/tasks", &Value::Null).await;
        user.keyed("GET", "/v1/tasks", "a-look", &Value::Null).await;
        house.settle().await;
        let mut all = BTreeMap::new();
        let mut ids: BTreeMap<&str, String> = BTreeMap::new();
        let more = [("create", "e"), ("delete", "e"), ("channel", "f"), ("no channel", "f")];
        for (kind, thing) in ORDER.into_iter().chain(more) {
            let id = ids.get(thing).cloned().unwrap_or_default();
            let (answered, told) = alone(house, &user, kind, &id, thing).await;
            if id.is_empty() {
                ids.insert(thing, told["id"].as_str().unwrap().to_owned());
            }
            all.entry(kind).or_insert(answered);
        }
        Self(all)
    }

    /// What becomes of requests of a kind.
    pub fn of_kind(&self, kind: &str) -> &Answered {
        &self.0[kind]
    }
}

async fn alone(house: &House, user: &User, kind: &str, id: &str, thing: &str) -> (Answered, Value) {
    let word = format!("quiet-{thing}");
    let Case { method, path, body, status: expected, .. } = case(kind, id, &word);
    let before = books(house, user);
    house.switch.calls();
    let (status, told) = user.keyed(method, &path, &format!("{word}-{kind}").replace(' ', "-"), &body).await;
    assert_eq!(status, expected, "{kind}: {told}");
    house.idle().await;
    let calls = house.switch.calls().into_iter();
    let calls = calls.filter(|(who, _)| !who.ends_with("-redis")).map(|(_, call)| call).collect();
    house.settle().await;
    let mut adds = books(house, user);
    before.into_iter().for_each(|(what, count)| *adds.entry(what).or_default() -= count);
    adds.retain(|_, count| *count != 0);
    (Answered { status, body: masked(&told, &word), adds, calls }, told)
}

/// What the database has of a user.
pub fn books(house: &House, user: &User) -> Books {
    let of = format!("WHERE user_id = '{}'", user.id);
    house.tally(&format!(
        "SELECT what, count(*) FROM (
         SELECT 'event ' || type AS what FROM outbox {of}
         UNION ALL SELECT 'audit ' || action FROM audit_v4 {of}
         UNION ALL SELECT 'task ' || status || CASE WHEN deleted_at IS NULL THEN '' ELSE ', deleted' END FROM task {of}
         UNION ALL SELECT 'occurrence ' || status || ', ' || succession FROM occurrence {of}
         UNION ALL SELECT 'override' FROM override {of}
         UNION ALL SELECT 'alarm ' || state FROM alarm {of}
         UNION ALL SELECT 'channel' || CASE WHEN deleted_at IS NULL THEN '' ELSE ', deleted' END FROM channel_v2 {of}
         UNION ALL SELECT 'notification ' || state FROM notification_v2 {of}
         UNION ALL SELECT 'kept answer' FROM idempotency {of}
         ) AS found GROUP BY what"
    ))
}

/// Members that no two answers have in common.
const OWN: [&str; 5] = ["at", "created_at", "updated_at", "completed_at", "secret"];

/// An answer without what is its own: ids, instants, and the word that its request was made with.
pub fn masked(told: &Value, word: &str) -> Value {
    match told {
        Value::String(text) => Value::String(without_ids(&text.replace(word, "word"))),
        Value::Array(items) => items.iter().map(|item| masked(item, word)).collect(),
        Value::Object(members) => {
            let mask =
                |(name, value): (&String, &Value)| match OWN.contains(&name.as_str()) && !value.is_null() {
                    true => (name.clone(), Value::from("its own")),
                    false => (name.clone(), masked(value, word)),
                };
            Value::Object(members.iter().map(mask).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// A text with `id` for each UUID.
fn without_ids(text: &str) -> String {
    const LENGTH: usize = 36;
    let is_id = |text: &str| {
        text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let (mut said, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        match rest.get(..LENGTH) {
            Some(id) if is_id(id) => {
                said.push_str("id");
                rest = &rest[LENGTH..];
            }
            _ => {
                said.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    said
}
