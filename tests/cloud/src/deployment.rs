//! An application as Kubernetes runs it where the chart's `podPolicy` is in force: so many pods, which are replaced one by one, and each goes
//! only once its successor is ready.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{App, Service};

/// For how long a pod that is to end is still sent requests: until whoever sends them has learned of it.
const LEARNED: Duration = Duration::from_secs(2);

/// For how long a pod that is to end goes on (`podPolicy.sleepSeconds`); its sidecar, which has no such hook, is told to end at once.
const SLEEP: Duration = Duration::from_secs(10);

/// The pods of an application, and the way to those that are ready.
#[derive(Debug)]
pub struct Deployment {
    /// The application.
    pub name: &'static str,
    /// The way to it.
    pub service: Arc<Service>,
    pods: Vec<(String, App)>,
    made: usize,
    ending: Vec<JoinHandle<()>>,
}

impl Deployment {
    /// That of a handler that is ready, and runs as its first pod.
    pub fn of(first: App) -> Self {
        let name = first.name;
        let service = Arc::new(Service::new(name));
        let mut deployment = Self { name, service, pods: Vec::new(), made: 0, ending: Vec::new() };
        deployment.add(|_| first);
        deployment
    }

    /// Adds a pod that is made so, given its label.
    pub fn add(&mut self, make: impl FnOnce(&str) -> App) {
        self.made += 1;
        let label = format!("{}-{}", self.name, self.made);
        let pod = make(&label);
        self.service.put_in(&label, pod.client());
        self.pods.push((label, pod));
    }

    /// The pods that are not told to end.
    pub fn pods(&self) -> impl Iterator<Item = &App> {
        self.pods.iter().map(|(_, pod)| pod)
    }

    /// Replaces all pods by such as are made so: of less than four, one after the other (`maxSurge` and `maxUnavailable` of 25 %, by
    /// which nobody is away). Those that are to end may still be there afterwards.
    pub fn roll(&mut self, make: impl Fn(&str) -> App) {
        for _ in 0..self.pods.len() {
            self.add(&make);
            let (label, pod) = self.pods.remove(0);
            let service = self.service.clone();
            self.ending.push(thread::spawn(move || end(&service, &label, pod)));
        }
    }

    /// Waits until those that were to end are gone.
    pub fn wait_until_gone(&mut self) {
        self.ending.drain(..).for_each(|one| one.join().unwrap());
    }
}

/// What the end of a pod is.
fn end(service: &Service, label: &str, mut pod: App) {
    pod.sidecar.tell_to_end();
    thread::sleep(LEARNED);
    service.take_out(label);
    thread::sleep(SLEEP - LEARNED);
    pod.handler.tell_to_end();
    let status = pod.handler.wait_until_ended();
    assert!(status.success(), "{label} ended with {status}");
    pod.sidecar.wait_until_ended();
}
