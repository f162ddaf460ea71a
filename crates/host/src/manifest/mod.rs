//! The application: `spin.toml` read, checked and reduced to the components that are kept.

mod ids;
pub(crate) mod refused;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use toml::Spanned;
use toml::de::DeTable;

pub(crate) use ids::{check_label, check_lower_snake};
pub(crate) use schema::{Component, Route, StaticResponse, Variable};
use schema::{ComponentRef, File};

/// The trigger types there are.
const TRIGGER_TYPES: [&str; 3] = ["http", "redis", "cron"];

/// A checked manifest.
pub(crate) struct Manifest {
    pub name: String,
    pub version: Option<String>,
    /// The folder of the manifest: `source` paths are relative to it.
    pub directory: PathBuf,
    pub variables: BTreeMap<String, Variable>,
    pub components: BTreeMap<String, Component>,
    pub http: Vec<HttpTrigger>,
    pub redis: Vec<RedisTrigger>,
    pub redis_address: Option<String>,
    pub cron: Vec<CronTrigger>,
    positions: Positions,
}

pub(crate) struct HttpTrigger {
    pub id: String,
    pub route: Route,
    pub target: HttpTarget,
}

pub(crate) enum HttpTarget {
    Component(String),
    Static(StaticResponse),
}

pub(crate) struct RedisTrigger {
    pub component: String,
    pub channel: String,
    pub address: Option<String>,
}

pub(crate) struct CronTrigger {
    pub component: String,
    pub expression: Spanned<String>,
}

impl Manifest {
    /// Reads the manifest at `from`, which is the file or its folder, and keeps `retained` (all, if empty).
    pub fn load(from: &Path, retained: &[String]) -> anyhow::Result<Self> {
        let path = if from.is_dir() { from.join("spin.toml") } else { from.to_owned() };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let path = std::path::absolute(&path)?;
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(text, directory, retained).with_context(|| format!("invalid manifest {}", path.display()))
    }

    fn parse(text: String, directory: PathBuf, retained: &[String]) -> anyhow::Result<Self> {
        let positions = Positions(text);
        refuse_unknown_triggers(&positions)?;
        let file: File = toml::from_str(&positions.0)?;
        let version = &file.spin_manifest_version;
        if version.as_ref().as_integer() != Some(2) {
            bail!(positions.error(version.span(), "`spin_manifest_version` must be 2"));
        }
        check_base(&file, &positions)?;

        let mut components = BTreeMap::new();
        for (id, component) in file.component {
            ids::check_kebab(id.as_ref()).map_err(|why| {
                positions.error(id.span(), &format!("invalid component id {:?}: {why}", id.as_ref()))
            })?;
            components.insert(id.into_inner(), component);
        }
        let mut resolver = References { components, positions: &positions };
        let http = file.trigger.http.into_iter().enumerate();
        let http = http.map(|(n, trigger)| resolver.http(n, trigger)).collect::<anyhow::Result<_>>()?;
        let mut redis = Vec::new();
        for trigger in file.trigger.redis {
            let span = trigger.span();
            let trigger = trigger.into_inner();
            let component = resolver.resolve(trigger.component, span)?;
            redis.push(RedisTrigger { component, channel: trigger.channel, address: trigger.address });
        }
        let mut cron = Vec::new();
        for trigger in file.trigger.cron {
            let span = trigger.span();
            let trigger = trigger.into_inner();
            let component = resolver.resolve(trigger.component, span)?;
            cron.push(CronTrigger { component, expression: trigger.cron_expression });
        }
        let components = resolver.components;
        check_components(&components, &positions)?;
        let mut manifest = Self {
            name: file.application.name,
            version: Some(file.application.version).filter(|version| !version.is_empty()),
            directory,
            variables: check_variables(file.variables, &positions)?,
            components,
            http,
            redis,
            redis_address: file.application.trigger.redis.address,
            cron,
            positions,
        };
        manifest.retain(retained)?;
        Ok(manifest)
    }

    /// How many guests of a component may answer requests at once, where it has places of its own.
    pub fn own_places(&self, component: &str) -> Option<u32> {
        let tool = &self.components.get(component)?.tool.perennial;
        tool.max_instances.map(|most| most.get().into())
    }

    /// An error that names the line of `span`.
    pub fn error(&self, span: Range<usize>, message: &str) -> anyhow::Error {
        self.positions.error(span, message)
    }

    /// Keeps the named components, together with their triggers.
    fn retain(&mut self, retained: &[String]) -> anyhow::Result<()> {
        if retained.is_empty() {
            return Ok(());
        }
        for id in retained {
            if !self.components.contains_key(id) {
                bail!("specified component {id:?} not found in the application");
            }
        }
        let kept: BTreeSet<&String> = retained.iter().collect();
        self.http.retain(|trigger| match &trigger.target {
            HttpTarget::Component(id) => kept.contains(id),
            HttpTarget::Static(_) => false,
        });
        self.redis.retain(|trigger| kept.contains(&trigger.component));
        self.cron.retain(|trigger| kept.contains(&trigger.component));
        self.components.retain(|id, _| kept.contains(id));
        Ok(())
    }
}

/// Gives each trigger its component's id, moving components written in place into the table.
struct References<'a> {
    components: BTreeMap<String, Component>,
    positions: &'a Positions,
}

impl References<'_> {
    fn resolve(&mut self, reference: ComponentRef, span: Range<usize>) -> anyhow::Result<String> {
        match reference {
            ComponentRef::Id(id) if self.components.contains_key(&id) => Ok(id),
            ComponentRef::Id(id) => Err(self
                .positions
                .error(span, &format!("trigger names component {id:?}, which is not declared"))),
            ComponentRef::Inline(component) => {
                let mut ids = (1u32..).map(|n| format!("inline-component{n}"));
                let id = ids.find(|id| !self.components.contains_key(id)).unwrap_or_default();
                self.components.insert(id.clone(), *component);
                Ok(id)
            }
        }
    }

    fn http(&mut self, number: usize, trigger: Spanned<schema::HttpTrigger>) -> anyhow::Result<HttpTrigger> {
        let span = trigger.span();
        let trigger = trigger.into_inner();
        let target =
            match (trigger.component, trigger.static_response) {
                (Some(component), None) => HttpTarget::Component(self.resolve(component, span.clone())?),
                (None, Some(response)) => HttpTarget::Static(response),
                (None, None) => {
                    bail!(self.positions.error(
                        span,
                        "Triggers must specify either component or static_response: neither is given"
                    ))
                }
                (Some(_), Some(_)) => {
                    bail!(self.positions.error(
                        span,
                        "Triggers must specify either component or static_response: both are given"
                    ))
                }
            };
        if matches!(trigger.route, Route::Private(false)) {
            bail!(self.positions.error(span, "route must be a string pattern or '{ private = true }'"));
        }
        let id = if trigger.id.is_empty() {
            match &target {
                HttpTarget::Component(id) => format!("{id}-http-trigger"),
                HttpTarget::Static(_) => format!("http-trigger{}", number.saturating_add(1)),
            }
        } else {
            trigger.id
        };
        Ok(HttpTrigger { id, route: trigger.route, target })
    }
}

/// The text of the manifest, to turn byte offsets into line numbers.
struct Positions(String);

impl Positions {
    fn error(&self, span: Range<usize>, message: &str) -> anyhow::Error {
        let before = self.0.as_bytes().get(..span.start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        anyhow!("line {line}: {message}")
    }
}

/// A type of trigger that no one here runs. Spin would look for a plugin of that name.
fn refuse_unknown_triggers(positions: &Positions) -> anyhow::Result<()> {
    let document = DeTable::parse(&positions.0)?;
    let Some(triggers) = document.get_ref().get("trigger").and_then(|value| value.get_ref().as_table())
    else {
        return Ok(());
    };
    for (name, _) in triggers {
        let kind = name.get_ref();
        if !TRIGGER_TYPES.contains(&kind.as_ref()) {
            bail!(positions.error(
                name.span(),
                &format!(
                    "No built-in trigger named '{kind}', and no plugin named 'trigger-{kind}' was found"
                ),
            ));
        }
    }
    Ok(())
}

fn check_base(file: &File, positions: &Positions) -> anyhow::Result<()> {
    match &file.application.trigger.http.base {
        Some(base) if base.as_ref() != "/" => Err(positions
            .error(base.span(), "the deprecated trigger 'base' is not allowed: prepend it to each route")),
        _ => Ok(()),
    }
}

fn check_variables(
    variables: BTreeMap<Spanned<String>, Variable>,
    positions: &Positions,
) -> anyhow::Result<BTreeMap<String, Variable>> {
    let mut checked = BTreeMap::new();
    for (name, variable) in variables {
        let wrong =
            |why: &str| positions.error(name.span(), &format!("invalid variable {:?}: {why}", name.as_ref()));
        check_lower_snake(name.as_ref()).map_err(|why| wrong(&why))?;
        match (variable.required, &variable.default) {
            (true, Some(_)) => bail!(wrong("it is required and has a default")),
            (false, None) => bail!(wrong("it needs `required = true` or a `default`")),
            _ => {}
        }
        checked.insert(name.into_inner(), variable);
    }
    Ok(checked)
}

fn check_components(components: &BTreeMap<String, Component>, positions: &Positions) -> anyhow::Result<()> {
    for component in components.values() {
        for name in component.variables.keys() {
            check_lower_snake(name.as_ref()).map_err(|why| {
                positions.error(name.span(), &format!("invalid variable {:?}: {why}", name.as_ref()))
            })?;
        }
        for label in &component.sqlite_databases {
            check_label(label.as_ref()).map_err(|why| {
                positions.error(label.span(), &format!("invalid label {:?}: {why}", label.as_ref()))
            })?;
        }
    }
    Ok(())
}
