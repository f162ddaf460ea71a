//! `spin.toml`, version 2, with exactly the keys of Spin 3.6.3.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use toml::Spanned;

use super::refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub spin_manifest_version: Spanned<toml::Value>,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<Spanned<String>, Variable>,
    #[serde(default)]
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<Spanned<String>, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: IgnoredAny,
    #[serde(default)]
    pub trigger: ApplicationTriggers,
    #[serde(default, rename = "tool")]
    _tool: IgnoredAny,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationTriggers {
    #[serde(default)]
    pub http: ApplicationHttp,
    #[serde(default)]
    pub redis: ApplicationRedis,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationHttp {
    pub base: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationRedis {
    pub address: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    #[serde(default, rename = "description")]
    _description: Option<IgnoredAny>,
    #[serde(default)]
    pub required: bool,
    pub default: Option<String>,
    #[serde(default, rename = "secret")]
    _secret: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Triggers {
    #[serde(default)]
    pub http: Vec<Spanned<HttpTrigger>>,
    #[serde(default)]
    pub redis: Vec<Spanned<RedisTrigger>>,
    #[serde(default)]
    pub cron: Vec<Spanned<CronTrigger>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTrigger {
    #[serde(default)]
    pub id: String,
    pub component: Option<ComponentRef>,
    #[serde(default, deserialize_with = "refused::components", rename = "components")]
    _components: (),
    pub route: Route,
    pub static_response: Option<StaticResponse>,
    #[serde(rename = "executor")]
    _executor: Option<Executor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub component: ComponentRef,
    #[serde(default, deserialize_with = "refused::components", rename = "components")]
    _components: (),
    pub channel: String,
    pub address: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CronTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub component: ComponentRef,
    #[serde(default, deserialize_with = "refused::components", rename = "components")]
    _components: (),
    pub cron_expression: Spanned<String>,
}

/// Only the default executor: the others are for guests this host does not run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "kebab-case")]
pub(crate) enum Executor {
    #[serde(alias = "spin")]
    Http,
}

#[derive(Deserialize, Clone)]
pub(crate) struct StaticResponse {
    pub status_code: Option<u16>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
}

/// `"/path/:name"`, `"/tree/..."` or `{ private = true }`.
pub(crate) enum Route {
    Pattern(String),
    Private(bool),
}

/// `component = "id"`, or the component's table written in place.
pub(crate) enum ComponentRef {
    Id(String),
    Inline(Box<Component>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub source: Source,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    pub variables: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "refused::files", rename = "files")]
    _files: (),
    #[serde(default, rename = "exclude_files")]
    _exclude_files: IgnoredAny,
    #[serde(default, deserialize_with = "refused::allowed_http_hosts", rename = "allowed_http_hosts")]
    _allowed_http_hosts: (),
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<Spanned<String>>,
    #[serde(default, deserialize_with = "refused::key_value_stores", rename = "key_value_stores")]
    _key_value_stores: (),
    #[serde(default)]
    pub sqlite_databases: Vec<Spanned<String>>,
    #[serde(default, deserialize_with = "refused::ai_models", rename = "ai_models")]
    _ai_models: (),
    #[serde(default, rename = "targets")]
    _targets: IgnoredAny,
    #[serde(rename = "build")]
    _build: Option<Build>,
    #[serde(default)]
    pub tool: Tools,
    #[serde(
        default,
        deserialize_with = "refused::dependencies_inherit_configuration",
        rename = "dependencies_inherit_configuration"
    )]
    _dependencies_inherit_configuration: (),
    #[serde(default, deserialize_with = "refused::dependencies", rename = "dependencies")]
    _dependencies: (),
}

/// What a component says to tools. Spin ignores it, and this host what is said to others.
#[derive(Deserialize, Default)]
pub(crate) struct Tools {
    #[serde(default)]
    pub perennial: HostTool,
}

/// What it says to this host.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostTool {
    /// How many of its guests may answer requests at once, in places of their own.
    pub max_instances: Option<NonZeroU16>,
}

/// Read by `spin build` only; parsed so that a misspelt key is found here too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "command")]
    _command: IgnoredAny,
    #[serde(rename = "workdir")]
    _workdir: Option<String>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

/// The path of a wasm file, relative to the manifest.
pub(crate) struct Source(pub String);

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Path;
        impl<'de> Visitor<'de> for Path {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a wasm file")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Source, E> {
                Ok(Source(value.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Source, A::Error> {
                Err(A::Error::custom(
                    "a `source` from a URL or a registry is not supported by the embedded host",
                ))
            }
        }
        deserializer.deserialize_any(Path)
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Private {
            private: bool,
        }
        struct Pattern;
        impl<'de> Visitor<'de> for Pattern {
            type Value = Route;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a route pattern or `{ private = true }`")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Route, E> {
                Ok(Route::Pattern(value.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Route, A::Error> {
                Private::deserialize(MapAccessDeserializer::new(map)).map(|p| Route::Private(p.private))
            }
        }
        deserializer.deserialize_any(Pattern)
    }
}

impl<'de> Deserialize<'de> for ComponentRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrTable;
        impl<'de> Visitor<'de> for IdOrTable {
            type Value = ComponentRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a component id or a component table")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<ComponentRef, E> {
                Ok(ComponentRef::Id(value.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ComponentRef, A::Error> {
                Component::deserialize(MapAccessDeserializer::new(map))
                    .map(|component| ComponentRef::Inline(Box::new(component)))
            }
        }
        deserializer.deserialize_any(IdOrTable)
    }
}
