//! The life cycle of an application: read, check, compile, listen, serve.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wasmtime::component::InstancePre;

use crate::counts::Counters;
use crate::guest::{Cache, GuestComponent, GuestState, Logs, engine, linker};
use crate::hooks::Hooks;
use crate::locks::Locks;
use crate::manifest::{Component, HttpTarget, Manifest};
use crate::options::UpOptions;
use crate::outbound::{AllowedHosts, Outbound};
use crate::redis::Bus;
use crate::repeats::WINDOW;
use crate::running::Running;
use crate::runtime_config::RuntimeConfig;
use crate::services::Services;
use crate::settings;
use crate::sqlite::Databases;
use crate::state_dir;
use crate::triggers::cron::{self, CronTrigger};
use crate::triggers::http::{Clients, HttpTrigger, serve};
use crate::triggers::redis;
use crate::variables::Variables;

/// Room in the instance pool for ticks that tests run by hand.
const SPARE_INSTANCES: usize = 16;

/// The variable that takes the first token.
const TOKEN_VARIABLE: &str = "bootstrap_token";

/// The variable whose default means the in-process bus.
const REDIS_VARIABLE: &str = "redis_url";
const BUS_VARIABLE: &str = "bus";

/// Starts the application and answers once it serves.
///
/// # Errors
/// When anything in the manifest, the runtime config, the variables or the components is not as it must be: the error
/// names the key and, in a file, its line.
pub async fn start(options: UpOptions, hooks: Hooks) -> anyhow::Result<Running> {
    let began = Instant::now();
    // Redis over TLS asks for the process's provider; a second start finds it already set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut manifest = Manifest::load(&options.from, &options.components)?;
    let config = RuntimeConfig::load(options.runtime_config_file.as_deref())?;
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    let state_dir =
        options.state_dir.clone().or(config.state_dir).unwrap_or_else(|| manifest.directory.join(".spin"));
    let state_dir = state_dir::create(&state_dir)?;
    let locks = Locks::take(&state_dir, manifest.components.keys())?;
    let log_dir = state_dir::create(&config.log_dir.unwrap_or_else(|| state_dir.join("logs")))?;

    let mut variables =
        Variables::resolve(&manifest.variables, &options.variables, config.variables_provider)?;
    settings::check(&variables)?;
    let token = match variables.given(TOKEN_VARIABLE) {
        Some(false) => Some(state_dir::token(&state_dir)?),
        _ => None,
    };
    if let Some(token) = &token {
        variables.supply(TOKEN_VARIABLE, token.clone());
    }
    if let (Some(true), Some(false)) = (variables.given(REDIS_VARIABLE), variables.given(BUS_VARIABLE)) {
        // Who names a Redis means it, though it be the default's.
        variables.supply(BUS_VARIABLE, "redis".to_owned());
    }

    let schedules = cron::prepare(&manifest)?;
    let sidecar = sidecar(&variables);
    let mut bus = Bus { in_process: in_process_address(&variables), ..Bus::default() };
    let queues = redis::prepare(&manifest, &variables, &mut bus)?;
    let mut limits = options.limits;
    limits.memory = config.max_instance_memory.unwrap_or(limits.memory);
    let services = Arc::new(Services::new(
        Databases::new(config.sqlite_database, &state_dir)?,
        bus,
        Outbound::new(config.outbound_networking, &config.outbound_http)?,
        limits,
        options.max_instances,
        hooks,
    ));

    let events =
        manifest.cron.len().saturating_mul(cron::CONCURRENT_TICKS).saturating_add(manifest.redis.len());
    let events = u32::try_from(events.saturating_add(SPARE_INSTANCES))?;
    let own = manifest.components.keys().filter_map(|id| manifest.own_places(id));
    let instances = own.fold(options.max_instances.saturating_add(events), u32::saturating_add);
    let compiled = compile(&manifest, instances, options.cache_dir.as_deref(), &state_dir).await?;
    let mut components = BTreeMap::new();
    for (id, pre) in compiled.components {
        let logs = Logs::open(&log_dir, &id, !options.quiet)?;
        let component = component(&manifest, &variables, &services, id.clone(), logs, pre)?;
        components.insert(id, Arc::new(component));
    }
    check_chaining(&manifest, &components)?;

    let instances = options.max_instances;
    let http = Arc::new(HttpTrigger::new(&mut manifest, &components, services.clone(), instances, address)?);
    let _ = services.http.set(Arc::downgrade(&http));
    let get = |id: &str| components.get(id).cloned().context("a trigger's component is missing");
    let mut crons = Vec::new();
    for (id, schedule) in schedules {
        crons.push(Arc::new(CronTrigger::new(get(&id)?, services.clone(), schedule)?));
    }
    let mut workers = Vec::new();
    for queue in queues {
        let component = get(queue.component())?;
        let pre = redis::check(&component)?;
        workers.push(queue.run(services.clone(), component, pre));
    }

    // Nothing can fail from here on, so nothing is left running by a failed start.
    let stop = CancellationToken::new();
    let routes = http.routes.clone();
    workers.into_iter().for_each(|worker| drop(tokio::spawn(worker)));
    for address in services.bus.addresses.keys().filter(|address| !services.bus.local(address)) {
        tokio::spawn(redis::subscribe(services.clone(), address.clone()));
    }
    if !services.hooks.manual_cron {
        crons.iter().cloned().for_each(|cron| drop(tokio::spawn(cron.run())));
    }
    let clients = Arc::new(Clients::default());
    tokio::spawn(serve(listener, http, clients.clone(), stop.clone()));
    tokio::spawn(tell(services.kill.clone(), components.values().cloned().collect()));
    Ok(Running {
        address,
        token,
        state_dir,
        in_process_bus: services.bus.in_process.clone(),
        sidecar,
        routes,
        started_in: began.elapsed(),
        compiled: compiled.fresh,
        services,
        components,
        _locks: locks,
        cron: crons,
        clients,
        stop,
    })
}

/// Tells now and then, and at the end, what the logs of guests have left out.
async fn tell(kill: CancellationToken, components: Vec<Arc<GuestComponent>>) {
    loop {
        let over = tokio::time::timeout(WINDOW, kill.cancelled()).await.is_ok();
        components.iter().for_each(|component| component.logs.tell(Instant::now()));
        if over {
            return;
        }
    }
}

/// The default of `redis_url` stands for this process, unless somebody gave the variable a value.
fn in_process_address(variables: &Variables) -> Option<String> {
    match variables.given(REDIS_VARIABLE) {
        Some(false) => variables.get(REDIS_VARIABLE).map(str::to_owned),
        _ => None,
    }
}

/// Where the sidecar is, if the variables of this application say that events go through it.
fn sidecar(variables: &Variables) -> Option<String> {
    let used = variables.get(BUS_VARIABLE) == Some("dapr");
    variables.get("dapr_http_port").filter(|_| used).map(str::to_owned)
}

struct Compilation {
    components: BTreeMap<String, InstancePre<GuestState>>,
    /// How many wasm files were not in the cache.
    fresh: usize,
}

/// Compiles each distinct wasm file once and links each component.
async fn compile(
    manifest: &Manifest,
    instances: u32,
    cache_dir: Option<&Path>,
    state_dir: &Path,
) -> anyhow::Result<Compilation> {
    let cache = Cache::open(&cache_dir.map_or_else(|| state_dir.join("cache"), Path::to_owned))?;
    let sources = manifest.components.iter();
    let sources =
        sources.map(|(id, component)| (id.clone(), manifest.directory.join(&component.source.0))).collect();
    let compile = move || {
        let engine = engine(instances)?;
        let linker = linker(&engine)?;
        let sources: Vec<(String, std::path::PathBuf)> = sources;
        let mut loaded: BTreeMap<std::path::PathBuf, wasmtime::component::Component> = BTreeMap::new();
        let mut components = BTreeMap::new();
        let mut fresh: usize = 0;
        for (id, path) in sources {
            let context = || format!("component {id:?}: {}", path.display());
            let key = std::fs::canonicalize(&path).with_context(context)?;
            if !loaded.contains_key(&key) {
                let wasm = std::fs::read(&path).with_context(context)?;
                let compiled = cache.load(&engine, &wasm).with_context(context)?;
                fresh = fresh.saturating_add(usize::from(compiled.fresh));
                loaded.insert(key.clone(), compiled.component);
            }
            let component = loaded.get(&key).with_context(context)?;
            let pre = linker.instantiate_pre(component).map_err(anyhow::Error::from).with_context(context)?;
            components.insert(id, pre);
        }
        anyhow::Ok(Compilation { components, fresh })
    };
    tokio::task::spawn_blocking(compile).await?
}

fn component(
    manifest: &Manifest,
    variables: &Variables,
    services: &Services,
    id: String,
    logs: Logs,
    pre: InstancePre<GuestState>,
) -> anyhow::Result<GuestComponent> {
    let config = manifest.components.get(&id).context("a component is missing")?;
    let mut values = BTreeMap::new();
    for (name, template) in &config.variables {
        let wrong =
            |error: anyhow::Error| manifest.error(template.span(), &format!("component {id:?}: {error:#}"));
        values.insert(name.as_ref().clone(), variables.expand(template.as_ref()).map_err(wrong)?);
    }
    for label in &config.sqlite_databases {
        if services.databases.get(label.as_ref()).is_none() {
            let message = format!(
                "component {id:?} uses the SQLite database {:?}, which is not defined: check the spelling, or define it in a runtime config file",
                label.as_ref()
            );
            bail!(manifest.error(label.span(), &message));
        }
    }
    Ok(GuestComponent {
        variables: values,
        environment: config.environment.clone(),
        allowed_hosts: allowed_hosts(manifest, variables, &id, config)?,
        databases: config.sqlite_databases.iter().map(|label| label.as_ref().clone()).collect(),
        logs,
        counters: Counters::default(),
        pre,
        id,
    })
}

fn allowed_hosts(
    manifest: &Manifest,
    variables: &Variables,
    id: &str,
    config: &Component,
) -> anyhow::Result<AllowedHosts> {
    let chainable: Vec<String> = manifest.components.keys().cloned().collect();
    let mut all = AllowedHosts::default();
    for entry in &config.allowed_outbound_hosts {
        let parsed = AllowedHosts::parse([entry.as_ref().as_str()], variables, &chainable);
        all.extend(
            parsed.map_err(|error| manifest.error(entry.span(), &format!("component {id:?}: {error:#}")))?,
        );
    }
    Ok(all)
}

/// Service chaining is between components of the HTTP trigger only.
fn check_chaining(
    manifest: &Manifest,
    components: &BTreeMap<String, Arc<GuestComponent>>,
) -> anyhow::Result<()> {
    let is_http =
        |id: &str| manifest.http.iter().any(|t| matches!(&t.target, HttpTarget::Component(c) if c == id));
    for component in components.values() {
        let targets: Vec<&str> = component.allowed_hosts.chained().collect();
        if targets.is_empty() {
            continue;
        }
        let id = &component.id;
        let other = manifest.redis.iter().any(|t| &t.component == id)
            || manifest.cron.iter().any(|t| &t.component == id);
        if other {
            bail!(
                "component {id:?} allows service chaining ({targets:?}) but has a trigger that is not http"
            );
        }
        if let Some(target) = targets.iter().find(|target| !is_http(target)) {
            bail!("component {id:?} allows service chaining to {target:?}, which has no http trigger");
        }
    }
    Ok(())
}
