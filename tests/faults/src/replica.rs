//! One of those that serve: a host with a state directory, a port, a clock and a wire to the database of its own.

use std::path::Path;

use chrono::TimeDelta;
use perennial_tests::{Build, Service, Setup, on_postgres};

use crate::proxy::{Proxy, Way};
use crate::world::{Clock, World};

/// A replica.
#[derive(Debug)]
pub struct Replica {
    service: Option<Service>,
    wire: Proxy,
    clock: Clock,
    setup: Setup,
}

impl Replica {
    /// One of this build that is not started yet, on a database of the server at a port.
    pub fn new(
        number: usize,
        world: &World,
        build: &Build,
        folder: &Path,
        (server, database): (u16, &str),
        token: &str,
    ) -> Self {
        let (wire, clock) = (Proxy::to(server), world.clock(&format!("clock-{number}")));
        let port = wire.port();
        let mut variables =
            on_postgres(&format!("postgres://postgres@127.0.0.1:{port}/{database}?sslmode=disable"));
        variables.push(("bootstrap_token", token.to_owned()));
        let setup = Setup {
            state_dir: Some(folder.join(format!("replica-{number}"))),
            variables,
            port: perennial_postgres::free_port(),
            environment: clock.environment(),
            build: build.clone(),
            ..Setup::default()
        };
        Self { service: None, wire, clock, setup }
    }

    /// Where it listens, whether it does or not.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.setup.port)
    }

    /// Starts it, and does not wait for it.
    pub fn start(&mut self) {
        assert!(self.service.is_none(), "it runs already");
        self.service = Some(Service::spawn(self.setup.clone()));
    }

    /// Waits until it serves.
    pub fn wait_until_ready(&mut self) {
        self.service.as_mut().unwrap().wait_until_ready();
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.service.take().unwrap().kill();
    }

    /// Ends it in its own way, and starts this build in its place.
    pub fn replace(&mut self, build: &Build) {
        let status = self.service.take().unwrap().terminate();
        assert!(status.success(), "it ended with {status}");
        self.setup.build = build.clone();
        self.start();
        self.wait_until_ready();
    }

    /// Stops it where it is.
    pub fn freeze(&self) {
        self.service.as_ref().unwrap().signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.service.as_ref().unwrap().signal("CONT");
    }

    /// Has its wire to the database be so from now on.
    pub fn wire(&self, way: Way) {
        self.wire.set(way);
    }

    /// Moves its clock: so far from the right time.
    pub fn move_clock(&self, by: TimeDelta) {
        self.clock.set(by);
    }

    /// What it has printed since it was started last.
    pub fn output(&self) -> String {
        self.service.as_ref().map(Service::output).unwrap_or_default()
    }
}
