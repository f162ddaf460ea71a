//! Application variables: one value each for as long as the host runs, and the templates that use them.

mod host;
mod runtime_config;
mod template;

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use crate::manifest::Variable;
use runtime_config::Provider;
pub(crate) use runtime_config::ProviderConfig;
use template::{Part, Template};

/// The value of every declared variable.
pub(crate) struct Variables(BTreeMap<String, Value>);

struct Value {
    text: String,
    /// Somebody gave it: it is not the default of the manifest.
    given: bool,
}

impl Variables {
    /// Asks the flags, then the providers in order, then the defaults.
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        flags: &[(String, String)],
        providers: Vec<ProviderConfig>,
    ) -> anyhow::Result<Self> {
        if let Some((name, _)) = flags.iter().find(|(name, _)| !declared.contains_key(name)) {
            bail!("--variable {name}: the application declares no variable of this name");
        }
        let providers = Provider::all(providers)?;
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            let flag = flags.iter().rev().find(|(flag, _)| flag == name).map(|(_, value)| value.clone());
            let given = match flag {
                Some(value) => Some(value),
                None => first(&providers, name)?,
            };
            match (given, &variable.default) {
                (Some(text), _) => values.insert(name.clone(), Value { text, given: true }),
                (None, Some(text)) => values.insert(name.clone(), Value { text: text.clone(), given: false }),
                (None, None) => {
                    missing.push(name.as_str());
                    None
                }
            };
        }
        if !missing.is_empty() {
            bail!("no provider resolved required variable(s): {missing:?}");
        }
        Ok(Self(values))
    }

    /// Whether a flag, a provider or the environment gave this variable its value. `None`: it is not declared.
    pub fn given(&self, name: &str) -> Option<bool> {
        self.0.get(name).map(|value| value.given)
    }

    /// Sets what nobody gave.
    pub fn supply(&mut self, name: &str, text: String) {
        if let Some(value) = self.0.get_mut(name).filter(|value| !value.given) {
            value.text = text;
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.text.as_str())
    }

    /// Puts values in the place of `{{ name }}`.
    pub fn expand(&self, text: &str) -> anyhow::Result<String> {
        let template =
            Template::parse(text).map_err(anyhow::Error::msg).context("invalid variable template")?;
        let mut expanded = String::new();
        for part in template.parts() {
            match part {
                Part::Literal(literal) => expanded.push_str(literal),
                Part::Variable(name) => match self.get(name) {
                    Some(value) => expanded.push_str(value),
                    None => bail!("invalid variable template: unknown variable {name:?}"),
                },
            }
        }
        Ok(expanded)
    }
}

fn first(providers: &[Provider], name: &str) -> anyhow::Result<Option<String>> {
    for provider in providers {
        if let Some(value) = provider.get(name)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
