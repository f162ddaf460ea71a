//! From a path to the trigger that serves it. Exact beats parameter beats wildcard; `routefinder` decides, as in Spin.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::anyhow;
use routefinder::{Captures, RouteSpec, Router as Finder};

use crate::manifest::{HttpTarget, Manifest, Route};

/// Paths under this are the host's own.
pub(super) const WELL_KNOWN: &str = "/.well-known/spin/";

/// The routes of the application.
pub(super) struct Router(Finder<Handler>);

struct Handler {
    /// The index of the trigger in the manifest.
    trigger: usize,
    /// The route as written.
    raw: String,
    /// The route as matched: with a leading and without a trailing slash.
    based: String,
}

/// A route that matched, or the made-up one of service chaining.
pub(super) struct Matched<'a> {
    pub trigger: usize,
    pub raw: Cow<'a, str>,
    pub based: Cow<'a, str>,
    /// What the trailing wildcard stands for.
    pub path_info: String,
    /// The named parameters.
    pub named: HashMap<String, String>,
}

impl Router {
    /// Of several triggers with one route the last wins, as in Spin.
    pub fn new(manifest: &Manifest) -> anyhow::Result<Self> {
        let mut handlers: Vec<Handler> = Vec::new();
        for (trigger, config) in manifest.http.iter().enumerate() {
            let Route::Pattern(raw) = &config.route else { continue };
            let handler = Handler { trigger, raw: raw.clone(), based: based(raw) };
            match handlers.iter_mut().find(|earlier| earlier.raw == handler.raw) {
                Some(earlier) => {
                    tracing::error!(
                        route = raw,
                        trigger = config.id,
                        "duplicate route: the last trigger serves it"
                    );
                    *earlier = handler;
                }
                None => handlers.push(handler),
            }
        }
        let mut finder = Finder::new();
        for handler in handlers {
            if handler.based.starts_with(WELL_KNOWN) {
                tracing::error!(
                    route = handler.raw,
                    "this route is the host's own and will never be reached"
                );
            }
            let spec =
                spec(&handler.based).map_err(|error| anyhow!("invalid route {:?}: {error}", handler.raw))?;
            finder.add(spec, handler).map_err(|error| anyhow!("{error}"))?;
        }
        Ok(Self(finder))
    }

    pub fn route(&self, path: &str) -> Option<Matched<'_>> {
        let found = self.0.best_match(path)?;
        let handler = found.handler();
        let captures = found.captures();
        Some(Matched {
            trigger: handler.trigger,
            raw: Cow::Borrowed(&handler.raw),
            based: Cow::Borrowed(&handler.based),
            path_info: path_info(&captures, path),
            named: captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }
}

impl Matched<'static> {
    /// As if the path had matched a wildcard over everything.
    pub fn chained(trigger: usize, path: &str) -> Self {
        Self {
            trigger,
            raw: Cow::Borrowed("/..."),
            based: Cow::Borrowed("/..."),
            path_info: path.to_owned(),
            named: HashMap::new(),
        }
    }
}

/// The routes to print at start.
pub(super) fn describe(manifest: &Manifest) -> Vec<(String, String)> {
    let describe = |config: &crate::manifest::HttpTrigger| {
        let Route::Pattern(raw) = &config.route else { return None };
        let target = match &config.target {
            HttpTarget::Component(id) => id.clone(),
            HttpTarget::Static(_) => config.id.clone(),
        };
        let based = based(raw);
        let route = match based.strip_suffix("/...").or_else(|| based.strip_suffix("/*")) {
            Some(prefix) => format!("{prefix} (wildcard)"),
            None => based,
        };
        Some((target, route))
    };
    manifest.http.iter().filter_map(describe).collect()
}

fn based(raw: &str) -> String {
    let absolute = if raw.starts_with('/') { raw.to_owned() } else { format!("/{raw}") };
    absolute.strip_suffix('/').map(str::to_owned).unwrap_or(absolute)
}

fn spec(based: &str) -> Result<RouteSpec, String> {
    match based.strip_suffix("/...") {
        Some(prefix) => RouteSpec::try_from(format!("{prefix}/*")),
        None => RouteSpec::try_from(based),
    }
}

/// A trailing slash belongs to it, which routefinder drops.
fn path_info(captures: &Captures<'_, '_>, path: &str) -> String {
    let Some(wildcard) = captures.wildcard() else { return String::new() };
    let slash = if path.ends_with('/') { "/" } else { "" };
    if wildcard.is_empty() { slash.to_owned() } else { format!("/{wildcard}{slash}") }
}
