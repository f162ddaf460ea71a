//! Calls of tools on a store of their own.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use http::HeaderMap;
use jsonschema::Validator;
use perennial_api::{Api, Limits};
use perennial_domain::{Actor, Scope, Timestamp, UserId, WebhookPolicy};
use perennial_fixture::{Counting, Fixture, NOON, TestStore};
use perennial_http_api::Caller;
use perennial_store::AccountStore;
use perennial_tools::{Call, Called, Confirmation, Refused, call, tools};
use serde_json::{Map, Value};

/// What a token may that does everything.
pub const ALL: &[Scope] = &[Scope::TasksRead, Scope::TasksWrite];

/// Tools on a store, for two users.
pub struct Desk {
    pub fixture: Fixture,
    pub now: Timestamp,
    pub ada: UserId,
    pub bob: UserId,
    pub token: String,
    pub scopes: Vec<Scope>,
    ids: Counting,
    told: BTreeMap<&'static str, Validator>,
}

/// The schemas of what tools tell.
pub fn told() -> BTreeMap<&'static str, Validator> {
    let validator = |text: &str| {
        let schema: Value = serde_json::from_str(text).unwrap();
        jsonschema::draft202012::new(&schema).unwrap()
    };
    tools(ALL).map(|tool| (tool.name, validator(tool.output_schema))).collect()
}

impl Default for Desk {
    fn default() -> Self {
        let mut fixture = Fixture::default();
        let (ada, bob) = (fixture.user("Ada"), fixture.user("Bob"));
        let ids = Counting(1_000_000);
        let (token, scopes) = ("one".to_owned(), ALL.to_vec());
        Self { fixture, now: NOON, ada, bob, token, scopes, ids, told: told() }
    }
}

/// A caller as a token makes one.
pub fn caller(store: &TestStore, user: &UserId, scopes: &[Scope], token: &str) -> Caller {
    Caller {
        user: store.user(user).unwrap().unwrap(),
        scopes: scopes.to_vec(),
        actor: Actor::token(token),
        counted_as: format!("token:{token}"),
        to_note: None,
    }
}

/// The headers that a token comes in.
pub fn headers(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers
}

/// The members of an object.
pub fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

impl Desk {
    /// Calls a tool, with everything that can be said beside its arguments.
    pub fn call_as(
        &mut self,
        user: &UserId,
        name: &str,
        arguments: &Value,
        (key, confirmation): (Option<&str>, Confirmation<'_>),
    ) -> Result<Called, Refused> {
        let caller = caller(&self.fixture.store, user, &self.scopes, &self.token);
        let (headers, arguments) = (headers(&self.token), members(arguments));
        let mut api = Api {
            store: &self.fixture.store,
            webhooks: &WebhookPolicy::default(),
            limits: Limits::default(),
            now: self.now,
            ids: &mut self.ids,
            correlation_id: "test".to_owned(),
            dry_run: false,
        };
        let made = Call { name, arguments: &arguments, headers: &headers, key, confirmation };
        let called = call(&mut api, &caller, &made)?;
        assert!(!api.dry_run, "{name} left the rehearsal on");
        self.is_as_stated(name, &Value::Object(arguments), &called);
        Ok(called)
    }

    /// What is told is what the schema says, and no failure of ours.
    fn is_as_stated(&self, name: &str, arguments: &Value, called: &Called) {
        let schema = self.told.get(name).unwrap_or_else(|| panic!("no tool {name}"));
        let wrong: Vec<String> = schema
            .iter_errors(&called.structured)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name} {arguments}: {wrong:?} in {}", called.structured);
        assert!(called.failed.is_none(), "{name} {arguments}: {:?}", called.failed);
    }

    /// What a tool tells Ada.
    pub fn told(&mut self, name: &str, arguments: &Value) -> Called {
        let ada = self.ada.clone();
        self.call_as(&ada, name, arguments, (None, Confirmation::InArguments)).unwrap()
    }

    /// The same of one that does what it is asked for.
    pub fn done(&mut self, name: &str, arguments: &Value) -> Value {
        let Called { structured, is_error, .. } = self.told(name, arguments);
        assert!(!is_error && structured.get("failures").is_none(), "{name} {arguments}: {structured}");
        structured
    }

    /// The same of one that does nothing: why, and nothing is changed.
    pub fn refused(&mut self, name: &str, arguments: &Value) -> String {
        let before = self.everything();
        let Called { structured, is_error, wrote, .. } = self.told(name, arguments);
        assert!(is_error && wrote.is_empty(), "{name} {arguments}: {structured}");
        assert!(self.everything() == before, "{name} {arguments} changed something");
        let failures = structured["failures"].as_array().unwrap();
        failures
            .iter()
            .map(|failure| {
                format!("{} {}", failure["at"].as_str().unwrap_or(""), failure["wrong"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// Every row of the store.
    pub fn everything(&self) -> Vec<(String, Vec<Vec<perennial_store::Value>>)> {
        self.fixture.everything()
    }

    /// The id of a new task.
    pub fn task(&mut self, task: Value) -> String {
        let key = format!("k{}", self.ids.0);
        let told = self.done("add_tasks", &serde_json::json!({ "tasks": [task], "idempotency_key": key }));
        told["done"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A task as it is.
    pub fn get(&mut self, id: &str) -> Value {
        self.done("get_tasks", &serde_json::json!({ "ids": [id] }))["tasks"][0].clone()
    }
}
