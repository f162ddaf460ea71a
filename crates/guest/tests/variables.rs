//! spin.toml gives each component the variables that its work reads, and no others.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeSet;

use perennial_guest::settings::{Get, check};
use perennial_guest::{
    AuditSettings, AuthSettings, BusSettings, CallbackSettings, HotSettings, JwtSettings, LimitSettings,
    McpSettings, MetricsSettings, RetentionSettings, SettingError, Settings, StateSettings, StoreSettings,
    WebhookSettings,
};

const MANIFEST: &str = include_str!("../../../spin.toml");

type Read = fn(&Get<'_>) -> Result<(), SettingError>;

fn concern<T: Settings>(get: &Get<'_>) -> Result<(), SettingError> {
    T::read(get).map(|_| ())
}

/// The variables that a concern reads, with the defaults of the manifest.
fn read_by(manifest: &toml::Table, concerns: &[Read]) -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let get = |name: &'static str| {
        asked.borrow_mut().insert(name.to_owned());
        let default = manifest["variables"][name]["default"].as_str();
        default.map(str::to_owned).ok_or_else(|| format!("{name} has no default"))
    };
    concerns.iter().for_each(|read| read(&get).unwrap());
    asked.into_inner()
}

#[test]
fn a_component_has_the_variables_of_its_concerns_and_no_others() {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    let (store, bus): (Read, Read) = (concern::<StoreSettings>, concern::<BusSettings>);
    let (auth, callbacks): (Read, Read) = (concern::<AuthSettings>, concern::<CallbackSettings>);
    let (webhooks, jwt): (Read, Read) = (concern::<WebhookSettings>, concern::<JwtSettings>);
    let (limits, metrics): (Read, Read) = (concern::<LimitSettings>, concern::<MetricsSettings>);
    let (retention, anchors): (Read, Read) = (concern::<RetentionSettings>, concern::<AuditSettings>);
    let hot: Read = concern::<HotSettings>;
    let state: Read = concern::<StateSettings>;
    let components = manifest["component"].as_table().unwrap();
    let mcp: Read = concern::<McpSettings>;
    let expected: [(&str, &[Read]); 11] = [
        ("task-api", &[store, bus, hot, auth, callbacks, webhooks, jwt, limits]),
        ("recurrence-scheduler", &[store, bus, hot, state, callbacks, metrics, retention]),
        ("recurrence-scheduler-redis", &[store, bus, hot, retention]),
        ("recurrence-scheduler-cron", &[store, bus, hot, retention]),
        ("audit", &[store, state, auth, callbacks, jwt, limits, anchors]),
        ("audit-cron", &[store, anchors]),
        ("notifier", &[store, bus, hot, state, callbacks, webhooks]),
        ("notifier-redis", &[store, bus, hot, webhooks]),
        ("notifier-cron", &[store, bus, hot, webhooks]),
        ("live", &[store, auth, jwt]),
        ("mcp", &[store, bus, hot, auth, callbacks, webhooks, jwt, limits, mcp]),
    ];
    assert_eq!(components.len(), expected.len());
    for (id, concerns) in expected {
        let variables = components[id]["variables"].as_table().unwrap();
        let given: BTreeSet<String> = variables.keys().cloned().collect();
        assert_eq!(given, read_by(&manifest, concerns), "{id}");
        for (name, value) in variables {
            assert_eq!(value.as_str(), Some(format!("{{{{ {name} }}}}").as_str()), "{id}");
        }
    }
}

#[test]
fn the_defaults_are_right_and_all_are_checked() {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    let declared: BTreeSet<String> = manifest["variables"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(read_by(&manifest, &[check]), declared);
}
