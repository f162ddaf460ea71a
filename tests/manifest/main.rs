//! spin.toml says the same of every component id that one handler has: a deployment that chooses its triggers by their
//! ids gets the same handler whichever it chooses.

use std::collections::{BTreeMap, BTreeSet};

use perennial_tests::repository;
use toml::{Table, Value};

/// What is said once a handler: how it is built.
const ONCE: &str = "build";

fn manifest() -> Table {
    std::fs::read_to_string(repository().join("spin.toml")).unwrap().parse().unwrap()
}

fn table<'a>(of: &'a Table, name: &str) -> &'a Table {
    of.get(name).and_then(Value::as_table).unwrap_or_else(|| panic!("spin.toml has [{name}]"))
}

/// The component ids of each wasm file.
fn handlers(components: &Table) -> BTreeMap<&str, Vec<&str>> {
    let mut handlers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, component) in components {
        let source = component["source"].as_str().expect("a source is a file of this repository");
        handlers.entry(source).or_default().push(id);
    }
    handlers
}

/// The secrets that callers show: only what is called over HTTP has them.
const SHOWN_OVER_HTTP: [&str; 3] = ["app_api_token", "bootstrap_token", "metrics_token"];

/// What else only a door asks for: who signs the tokens of callers, how often these may be used, and what a sidecar that calls knows.
const OF_THE_DOOR: [&str; 4] = ["jwt_", "rate_limit_", "quota_", "dapr_state_store"];

/// What has to do with a sidecar, where nothing is published: its calls alone, which come to a door.
const SIDECAR: &str = "dapr_";

/// What an id says, but for the build and for what its door asks of callers.
fn said(component: &Value) -> Table {
    let mut said = component.as_table().unwrap().clone();
    said.remove(ONCE);
    let variables = said["variables"].as_table_mut().unwrap();
    let publishes = variables.contains_key("bus");
    variables.retain(|name, _| {
        !SHOWN_OVER_HTTP.contains(&name)
            && !OF_THE_DOOR.iter().any(|start| name.starts_with(start))
            && (publishes || !name.starts_with(SIDECAR))
    });
    said
}

/// The triggers: (type, component id).
fn triggers(manifest: &Table) -> Vec<(&str, &str)> {
    let mut triggers = Vec::new();
    for (kind, list) in table(manifest, "trigger") {
        for trigger in list.as_array().unwrap() {
            triggers.push((kind.as_str(), trigger["component"].as_str().unwrap()));
        }
    }
    triggers
}

#[test]
fn the_ids_of_one_handler_are_held_equal() {
    let manifest = manifest();
    let components = table(&manifest, "component");
    let handlers = handlers(components);
    assert!(handlers.values().any(|ids| ids.len() > 1), "{handlers:?}");
    for (source, ids) in handlers {
        let first = said(&components[ids[0]]);
        for id in &ids {
            assert_eq!(said(&components[*id]), first, "{id} is {source} as {} is", ids[0]);
        }
        let built: Vec<_> = ids.iter().filter(|id| components[**id].get(ONCE).is_some()).collect();
        assert_eq!(built.len(), 1, "{source} is built by one of {ids:?}");
    }
}

#[test]
fn an_id_is_its_handlers_name_and_the_kind_of_its_trigger() {
    let manifest = manifest();
    let components = table(&manifest, "component");
    let handlers = handlers(components);
    let mut triggered = BTreeSet::new();
    for (kind, id) in triggers(&manifest) {
        let component =
            components.get(id).unwrap_or_else(|| panic!("a trigger names {id}, which is not there"));
        let source = component["source"].as_str().unwrap();
        let handler = handlers[source].iter().min_by_key(|id| id.len()).unwrap();
        let expected = if kind == "http" { (*handler).to_owned() } else { format!("{handler}-{kind}") };
        assert_eq!(id, expected, "{source} behind a trigger of kind {kind}");
        triggered.insert(id);
    }
    let all: BTreeSet<&str> = components.keys().map(String::as_str).collect();
    assert_eq!(triggered, all, "every component has a trigger");
}

#[test]
fn every_variable_is_declared_and_none_is_declared_for_nothing() {
    let manifest = manifest();
    let declared: BTreeSet<&str> = table(&manifest, "variables").keys().map(String::as_str).collect();
    let mut used = BTreeSet::new();
    let mut rest = manifest.clone();
    rest.remove("variables");
    let text = rest.to_string();
    for part in text.split("{{").skip(1) {
        used.insert(part.split("}}").next().unwrap().trim());
    }
    assert_eq!(used, declared);
    for (id, component) in table(&manifest, "component") {
        for (name, value) in component["variables"].as_table().unwrap() {
            assert_eq!(
                value.as_str(),
                Some(format!("{{{{ {name} }}}}").as_str()),
                "{id}: a name means one thing"
            );
        }
    }
}

/// The list of consumers is what the triggers and routes are: a handler hears on its own channel and at its own address.
#[test]
fn every_consumer_has_its_channel_and_its_route() {
    let manifest = manifest();
    let list = |kind: &str| table(&manifest, "trigger")[kind].as_array().unwrap().clone();
    let mut channels: Vec<(String, String)> = list("redis")
        .iter()
        .map(|trigger| {
            (
                trigger["component"].as_str().unwrap().to_owned(),
                trigger["channel"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    channels.sort();
    let mut consumers: Vec<(String, String)> = perennial_events::CONSUMERS
        .iter()
        .filter_map(|consumer| Some((format!("{}-redis", consumer.name), consumer.channel?.to_owned())))
        .collect();
    consumers.sort();
    assert_eq!(channels, consumers);
    for consumer in perennial_events::CONSUMERS {
        let longest = list("http")
            .iter()
            .filter(|trigger| {
                let route = trigger["route"].as_str().unwrap();
                route == consumer.route
                    || route.strip_suffix("...").is_some_and(|start| consumer.route.starts_with(start))
            })
            .max_by_key(|trigger| trigger["route"].as_str().unwrap().len())
            .map(|trigger| trigger["component"].as_str().unwrap().to_owned());
        assert_eq!(longest.as_deref(), Some(consumer.name), "{}", consumer.route);
    }
}

/// A component that nobody calls over HTTP holds no secret of a caller.
#[test]
fn only_what_is_called_over_http_holds_the_secrets_of_callers() {
    let manifest = manifest();
    let called: Vec<&str> =
        triggers(&manifest).into_iter().filter(|(kind, _)| *kind == "http").map(|(_, id)| id).collect();
    for (id, component) in table(&manifest, "component") {
        let holds = SHOWN_OVER_HTTP.iter().any(|name| component["variables"].get(*name).is_some());
        assert_eq!(holds, called.contains(&id.as_str()), "{id}");
    }
}
