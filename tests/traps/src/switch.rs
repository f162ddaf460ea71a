//! The switch that strikes guests, and remembers what they asked of their host.

use std::collections::{BTreeSet, HashMap};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use perennial_host::{Call, FaultHook, Moment, Point, Verdict};

/// Decides about one point of one component.
type Rule = Box<dyn FnMut(&str, &Point<'_>) -> bool + Send>;

/// Where in a call a guest is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The call has not begun.
    Before,
    /// The guest waits for it.
    Within,
    /// The call has had its effect; the guest does not know yet.
    After,
}

/// What happens there.
#[derive(Debug)]
pub enum Blow {
    /// The guest is trapped.
    Trap,
    /// Its client leaves: this is closed.
    Leave(Arc<TcpStream>),
}

/// Traps the guests that its rule names, and strikes those of single requests.
#[derive(Default)]
pub struct Switch(Mutex<State>);

#[derive(Default)]
struct State {
    once: Option<(&'static str, Side, u64)>,
    always: Option<Rule>,
    deaf: Vec<&'static str>,
    trapped_at: Option<String>,
    /// The guests that `always` has trapped, by their invocations.
    trapped: BTreeSet<u64>,
    calls: Vec<(String, String)>,
    /// What is to happen to requests, by their keys, and which of them an invocation is for.
    struck: HashMap<String, Struck>,
    serves: HashMap<u64, String>,
}

struct Struck {
    at: (Side, u64),
    blow: Option<Blow>,
    met: Option<String>,
    ended: bool,
}

impl Side {
    /// All sides.
    pub const ALL: [Self; 3] = [Self::Before, Self::Within, Self::After];

    /// Where it shows.
    fn moment(self) -> Moment {
        match self {
            Self::Before | Self::Within => Moment::Before,
            Self::After => Moment::After,
        }
    }

    /// What traps a guest there.
    fn trap(self) -> Verdict {
        match self {
            Self::Before | Self::After => Verdict::Trap,
            Self::Within => Verdict::Interrupt,
        }
    }
}

impl From<Moment> for Side {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Before => Self::Before,
            Moment::After => Self::After,
        }
    }
}

impl Switch {
    /// Traps `component` once, at its call number `index`.
    pub fn arm(&self, component: &'static str, side: impl Into<Side>, index: u64) {
        let mut state = self.0.lock().unwrap();
        state.once = Some((component, side.into(), index));
        state.trapped_at = None;
    }

    /// Disarms; the call it had trapped a guest at, if it had.
    pub fn disarm(&self) -> Option<String> {
        let mut state = self.0.lock().unwrap();
        state.once = None;
        state.trapped_at.take()
    }

    /// Whether what was armed has happened.
    pub fn has_trapped(&self) -> bool {
        self.0.lock().unwrap().trapped_at.is_some()
    }

    /// Strikes the guest of the next request under a key at its call number `index`.
    pub fn strike(&self, key: &str, at: (Side, u64), blow: Blow) {
        let struck = Struck { at, blow: Some(blow), met: None, ended: false };
        self.0.lock().unwrap().struck.insert(key.to_owned(), struck);
    }

    /// Whether the guest of that request was struck, or has ended without that.
    pub fn is_over(&self, key: &str, is_struck_enough: bool) -> bool {
        let state = self.0.lock().unwrap();
        state.struck.get(key).is_none_or(|one| one.ended || (is_struck_enough && one.met.is_some()))
    }

    /// The call at which the guest of that request was struck, if it was.
    pub fn lift(&self, key: &str) -> Option<String> {
        let mut state = self.0.lock().unwrap();
        state.serves.retain(|_, served| served != key);
        state.struck.remove(key).and_then(|one| one.met)
    }

    /// Traps every guest that the rule says yes to, until [`Switch::leave`].
    pub fn always(&self, rule: impl FnMut(&str, &Point<'_>) -> bool + Send + 'static) {
        let mut state = self.0.lock().unwrap();
        state.always = Some(Box::new(rule));
        state.trapped.clear();
    }

    /// Takes the rule away; gives how many guests it has trapped.
    pub fn leave(&self) -> usize {
        let mut state = self.0.lock().unwrap();
        state.always = None;
        state.trapped.len()
    }

    /// Traps every guest of these components before it has done anything: nothing wakes them but the clock.
    pub fn deafen(&self, components: &[&'static str]) {
        self.0.lock().unwrap().deaf = components.to_vec();
    }

    /// The calls since this was asked last, as pairs of component and call.
    pub fn calls(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

impl FaultHook for Switch {
    fn at(&self, component: &str, point: Point<'_>) -> Verdict {
        let mut state = self.0.lock().unwrap();
        if point.moment == Moment::Before {
            state.calls.push((component.to_owned(), name(point.call)));
        }
        if state.deaf.contains(&component) {
            return Verdict::Trap;
        }
        if let Some((armed, side, index)) = state.once
            && (armed, side.moment(), index) == (component, point.moment, point.index)
        {
            state.once = None;
            state.trapped_at = Some(name(point.call));
            return side.trap();
        }
        if let Some(verdict) = state.strikes(&point) {
            return verdict;
        }
        if let Some(rule) = &mut state.always
            && rule(component, &point)
        {
            state.trapped.insert(point.invocation);
            return Verdict::Trap;
        }
        Verdict::Continue
    }

    fn begins(&self, invocation: u64, headers: &HeaderMap) {
        let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) else { return };
        let mut state = self.0.lock().unwrap();
        let is_first = !state.serves.values().any(|served| served == key);
        if is_first && state.struck.contains_key(key) {
            state.serves.insert(invocation, key.to_owned());
        }
    }

    fn ended(&self, invocation: u64) {
        let mut state = self.0.lock().unwrap();
        let key = state.serves.remove(&invocation);
        if let Some(one) = key.and_then(|key| state.struck.get_mut(&key)) {
            one.ended = true;
        }
    }
}

impl State {
    /// What happens here to the guest of a request that is to be struck.
    fn strikes(&mut self, point: &Point<'_>) -> Option<Verdict> {
        let one = self.struck.get_mut(self.serves.get(&point.invocation)?)?;
        let (side, index) = one.at;
        if (side.moment(), index) != (point.moment, point.index) {
            return None;
        }
        let blow = one.blow.take()?;
        one.met = Some(name(point.call));
        match blow {
            Blow::Trap => Some(side.trap()),
            Blow::Leave(connection) => {
                drop(connection);
                None
            }
        }
    }
}

/// A call in one line: the statement, the command, or the address.
fn name(call: Call<'_>) -> String {
    match call {
        Call::Sqlite { statement } | Call::Postgres { statement } => statement.to_owned(),
        Call::Redis { command } => command.to_owned(),
        Call::Http { uri } => format!("POST {uri}"),
        _ => String::new(),
    }
}
