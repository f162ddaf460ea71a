//! Who may have how many of the sessions of one pool.
//!
//! A component whose guests all wait for something in their sessions must not stop the others. So the guests of one component have three
//! quarters of the places at most, and those that answer requests all but an eighth: the clock always finds one. Those that answer one
//! caller have an eighth. Each waits in the order in which they came, for what their own have first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::{Caller, Shares};

/// Whose guest asks for a session.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// The component.
    pub component: String,
    /// Whether it answers a request: ticks and messages do not.
    pub is_request: bool,
    /// Whose request that is.
    pub caller: Option<Caller>,
}

/// The places of a pool.
pub(super) struct Places {
    all: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    of_callers: Shares,
    of_components: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    /// How many of them one component may have.
    share: usize,
}

/// A place, until this is dropped.
pub(super) struct Place {
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Places {
    pub fn new(places: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(places)),
            requests: Arc::new(Semaphore::new(places.saturating_sub(places / 8))),
            of_callers: Shares::new(places / 8),
            of_components: Mutex::default(),
            share: places.saturating_sub(places / 4),
        }
    }

    /// A place, if one is free.
    pub fn take(&self, asker: &Asker) -> Option<Place> {
        let permits = self.gates(asker).into_iter().map(|gate| gate.try_acquire_owned().ok());
        Some(Place { _permits: permits.collect::<Option<_>>()? })
    }

    /// A place, once one is free.
    pub async fn wait(&self, asker: &Asker) -> Option<Place> {
        let mut permits = Vec::new();
        for gate in self.gates(asker) {
            permits.push(gate.acquire_owned().await.ok()?);
        }
        Some(Place { _permits: permits })
    }

    /// What is to be passed, the narrowest first: who waits there stands in nobody else's way.
    fn gates(&self, asker: &Asker) -> Vec<Arc<Semaphore>> {
        let mut of_components = self.of_components.lock().unwrap_or_else(PoisonError::into_inner);
        let own = of_components.get(&asker.component).cloned().unwrap_or_else(|| {
            let own = Arc::new(Semaphore::new(self.share));
            of_components.insert(asker.component.clone(), own.clone());
            own
        });
        let callers = asker.caller.map(|caller| self.of_callers.share(caller));
        let requests = asker.is_request.then(|| self.requests.clone());
        [callers, Some(own), requests, Some(self.all.clone())].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use http::header::AUTHORIZATION;
    use tokio::time::timeout;

    use super::*;

    fn asker(component: &str, is_request: bool) -> Asker {
        Asker { component: component.to_owned(), is_request, caller: None }
    }

    fn calling(token: &'static str) -> Asker {
        let headers = http::HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(token))]);
        Asker { caller: Caller::of(&headers), ..asker("a", true) }
    }

    fn taken(places: &Places, asker: &Asker) -> Vec<Place> {
        std::iter::from_fn(|| places.take(asker)).collect()
    }

    #[test]
    fn a_component_leaves_places_to_others_and_requests_to_the_clock() {
        for (most, of_one, of_requests) in [(64, 48, 56), (8, 6, 7), (4, 3, 4), (2, 2, 2), (1, 1, 1)] {
            let places = Places::new(most);
            let one = taken(&places, &asker("a", true));
            assert_eq!(one.len(), of_one, "of {most}");
            let two = taken(&places, &asker("b", true));
            assert_eq!(one.len() + two.len(), of_requests, "of {most}");
            let clock = taken(&places, &asker("clock", false));
            assert_eq!(one.len() + two.len() + clock.len(), most, "of {most}");
            drop(one);
            assert_eq!(taken(&places, &asker("a", true)).len(), of_one, "of {most}, once they are free");
        }
    }

    #[tokio::test]
    async fn a_caller_leaves_places_to_others_however_many_of_its_requests_wait() {
        let places = Places::new(64);
        let (one, two) = (calling("one"), calling("two"));
        let held = taken(&places, &one);
        assert_eq!(held.len(), 8);
        let waiting = async {
            let all = (0..1_000).map(|_| timeout(Duration::from_millis(200), places.wait(&one)));
            assert!(futures_util::future::join_all(all).await.iter().all(Result::is_err));
        };
        let other = async {
            let its = timeout(Duration::from_millis(100), places.wait(&two)).await;
            assert!(its.is_ok(), "nobody waits for what others wait for");
        };
        tokio::join!(waiting, other);
        drop(held);
        assert_eq!(taken(&places, &one).len(), 8);
    }

    #[tokio::test]
    async fn who_waits_for_their_own_stands_in_nobody_elses_way() {
        let places = Places::new(4);
        let a = asker("a", true);
        let mut held = taken(&places, &a);
        let waiting = async { assert!(places.wait(&a).await.is_some()) };
        let others = async {
            assert!(places.wait(&asker("b", true)).await.is_some());
            held.pop();
        };
        let both = async { tokio::join!(waiting, others) };
        timeout(Duration::from_secs(10), both).await.expect("nobody waits for what others have");
    }
}
