//! A secret is rotated under load: what `helm upgrade` does after one was changed, with real sidecars, a real broker and a real database, and
//! not one request fails.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use perennial_cloud::{App, Cloud, Deployment, HANDLERS, Postgres, Secrets, Service, Setup, secret};
use perennial_tests::{Answer, Client, SOON, Unanswered, until};
use serde_json::{Value, json};

use crate::load::{Doors, Load};

const USERS: usize = 5;

/// How many writes are acknowledged before, between and after.
const SHARE: usize = 100;

/// Whose sidecars read the two tokens (`files/applications.yaml`).
const BESIDE_A_SIDECAR: [&str; 4] = ["task-api", "recurrence-scheduler", "notifier", "audit"];

/// A release of all applications, and the secrets that its pods are given.
struct Release<'a> {
    cloud: &'a Cloud,
    secrets: Secrets,
    deployments: Vec<Deployment>,
    begun: Instant,
}

impl<'a> Release<'a> {
    /// One of `task-api` twice and the others once, as where the least replicas are those of `values/staging.yaml`.
    fn of(cloud: &'a Cloud, apps: Vec<App>) -> Self {
        let mut deployments: Vec<Deployment> = apps.into_iter().map(Deployment::of).collect();
        let api = deployments.iter_mut().find(|one| one.name == "task-api").unwrap();
        api.add(|label| cloud.replica("task-api", label, cloud.secrets()));
        Self { cloud, secrets: cloud.secrets().clone(), deployments, begun: Instant::now() }
    }

    fn deployment(&self, name: &str) -> &Deployment {
        self.deployments.iter().find(|one| one.name == name).unwrap()
    }

    fn service(&self, name: &str) -> Arc<Service> {
        self.deployment(name).service.clone()
    }

    /// The pod of an application that was started last.
    fn newest(&self, name: &str) -> Client {
        self.deployment(name).pods().last().unwrap().client()
    }

    fn postgres(&self) -> &'a Postgres {
        self.cloud.postgres.as_ref().unwrap()
    }

    /// What an upgrade does once Secrets were changed that these read: the hook before, the applications all at once, the hook after; until
    /// the pods before are gone.
    fn upgrade(&mut self, what: &str, who: &[&str], role: &str) {
        let begun = Instant::now();
        self.postgres().migrate(role);
        let (cloud, secrets) = (self.cloud, &self.secrets);
        thread::scope(|scope| {
            for deployment in self.deployments.iter_mut().filter(|one| who.contains(&one.name)) {
                let name = deployment.name;
                scope.spawn(move || deployment.roll(|label| cloud.replica(name, label, secrets)));
            }
        });
        // One that is to end may still be asked, which knows the token before, or whose sidecar has ended: the job comes again.
        until("the clock is begun", SOON, || {
            let told = self.begin_clock(&self.secrets.app).ok()?;
            (told.status == StatusCode::NO_CONTENT).then_some(())
        });
        let rolled = begun.elapsed();
        self.deployments.iter_mut().for_each(Deployment::wait_until_gone);
        println!(
            "{:6.1} s  {what}: {} applications rolled in {:.1} s, and the pods before were gone after {:.1} s",
            self.begun.elapsed().as_secs_f64(),
            who.len(),
            rolled.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        );
    }

    fn begin_clock(&self, token: &str) -> Result<Answer, Unanswered> {
        let (_, scheduler) = self.service("recurrence-scheduler").next();
        scheduler.post("/internal/clock").header("dapr-api-token", token).send()
    }

    /// Both at once, since one upgrade is enough for both.
    fn rotate_tokens(&mut self) {
        let before = self.secrets.clone();
        self.secrets = Secrets { app: secret(), sidecar: secret(), ..before.clone() };
        // Whoever comes with the new one before there is a pod that knows it, as the clock's job may, comes again.
        self.begin_clock(&self.secrets.app).unwrap().is_problem(401, "unauthenticated");
        self.upgrade("dapr-api-token, app-api-token", &BESIDE_A_SIDECAR, Postgres::OWNER);
        let newest = self.newest("recurrence-scheduler");
        let as_before = newest.post("/internal/clock").header("dapr-api-token", &before.app);
        as_before.answer().is_problem(401, "unauthenticated");
        for pod in self.deployments.iter().filter(|one| one.name != "live").flat_map(Deployment::pods) {
            let sidecar = Client::new(pod.sidecar_address(), None);
            let asked = |token: &str| {
                sidecar.call(Method::GET, "/v1.0/metadata").header("dapr-api-token", token).answer().status
            };
            assert_eq!(
                [asked(&before.sidecar), asked(&self.secrets.sidecar)].map(|one| one.as_u16()),
                [401, 200]
            );
        }
    }

    /// Of one Secret, and so in one upgrade, too.
    fn rotate_audit_key_and_metrics_token(&mut self, user: &Client) {
        let before = self.secrets.clone();
        let me = user.get("/v1/me");
        let me = me["id"].as_str().unwrap();
        let anchor = |release: &Self| {
            let owner = release.newest("audit").with_token(Some(&release.secrets.owner));
            until("the chain is sealed", SOON, || {
                let answer = owner.call(Method::GET, format!("/v1/audit/anchor?user={me}")).answer();
                (answer.status == StatusCode::OK).then(|| answer.json())
            })
        };
        let old = anchor(self);
        self.secrets = Secrets { audit: secret(), metrics: secret(), ..before.clone() };
        self.upgrade("audit_key, metrics_token", &HANDLERS, Postgres::OWNER);
        let new = anchor(self);
        let held = |anchor: &Value| {
            let owner = self.newest("audit").with_token(Some(&self.secrets.owner));
            let call = owner.post(format!("/v1/audit/verify?user={me}"));
            call.json(&json!({ "anchors": [anchor] })).answer().ok(StatusCode::OK)["wrong"].clone()
        };
        assert_eq!(held(&new), Value::Null);
        assert_eq!(
            held(&old)["what"],
            "anchor-forged",
            "what was signed before is verified with the key before"
        );
        let scheduler = self.newest("recurrence-scheduler");
        let read = |token: &str| {
            scheduler.with_token(Some(token)).call(Method::GET, "/metrics").answer().status.as_u16()
        };
        assert_eq!([read(&before.metrics), read(&self.secrets.metrics)], [401, 200]);
    }

    /// Another role, of the rights of the one that owns the database, and then the end of the one before.
    fn rotate_database_url(&mut self, role: &str, before: &str) {
        let owner = Postgres::OWNER;
        let postgres = self.postgres();
        postgres
            .run(&format!("CREATE ROLE {role} LOGIN IN ROLE {owner}; ALTER ROLE {role} SET role = {owner}"));
        self.secrets.database = Some(postgres.address(role));
        self.upgrade(&format!("database_url, {role} instead of {before}"), &HANDLERS, role);
        let sessions = |role: &str| {
            postgres.number(&format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"))
        };
        until("nobody comes as before", Duration::from_secs(10), || (sessions(before) == 0).then_some(()));
        assert!(sessions(role) > 0);
        // The owner stays, for what is in the database is its own, and lets nobody in any more.
        match before == owner {
            true => postgres.run(&format!("ALTER ROLE {owner} NOLOGIN PASSWORD NULL")),
            false => postgres.run(&format!("DROP ROLE {before}")),
        }
    }
}

#[test]
#[ignore = "on a machine without a processor to spare a write may be answered 503: `make rotation`"]
fn secrets_are_rotated_under_load_and_no_request_fails() {
    let Some(mut cloud) = Cloud::start(Setup { postgres: true, ..Setup::default() }) else { return };
    let load = Load::of(&cloud, USERS);
    let user = load.user().clone();
    let apps = cloud.take_apps();
    let mut release = Release::of(&cloud, apps);
    let [api, audit, live] = ["task-api", "audit", "live"].map(|name| release.service(name));
    let doors = Doors { api, audit, live };
    let postgres = cloud.postgres.as_ref().unwrap();
    let owner = doors.api.clone();
    load.go_on(&doors, postgres, &|| owner.next().1.with_token(Some(cloud.token())), |acknowledged| {
        let more = || {
            let enough = acknowledged() + SHARE;
            until("users are answered", 4 * SOON, || (acknowledged() >= enough).then_some(()));
        };
        more();
        release.rotate_tokens();
        more();
        release.rotate_audit_key_and_metrics_token(&owner.next().1.with_token(user.token()));
        more();
        release.rotate_database_url("second", Postgres::OWNER);
        more();
        release.rotate_database_url("third", "second");
        more();
    });
    let failed: Vec<String> = release.deployments.iter().flat_map(|one| one.service.failed()).collect();
    assert!(failed.is_empty(), "{} requests failed: {failed:#?}", failed.len());
}
