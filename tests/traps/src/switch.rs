//! The switch that traps guests, and remembers what they asked of their host.

use std::collections::BTreeSet;
use std::sync::Mutex;

use perennial_host::{Call, FaultHook, Moment, Point, Verdict};

/// Decides about one point of one component.
type Rule = Box<dyn FnMut(&str, &Point<'_>) -> bool + Send>;

/// Traps the guests that its rule names.
#[derive(Default)]
pub struct Switch(Mutex<State>);

#[derive(Default)]
struct State {
    once: Option<(&'static str, Moment, u64)>,
    always: Option<Rule>,
    deaf: Vec<&'static str>,
    trapped_at: Option<String>,
    /// The guests that `always` has trapped, by their invocations.
    trapped: BTreeSet<u64>,
    calls: Vec<(String, String)>,
}

impl Switch {
    /// Traps `component` once, before or after its call number `index`.
    pub fn arm(&self, component: &'static str, moment: Moment, index: u64) {
        let mut state = self.0.lock().unwrap();
        state.once = Some((component, moment, index));
        state.trapped_at = None;
    }

    /// Disarms; the call it had trapped a guest at, if it had.
    pub fn disarm(&self) -> Option<String> {
        let mut state = self.0.lock().unwrap();
        state.once = None;
        state.trapped_at.take()
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
        if state.once == Some((known(&state, component), point.moment, point.index)) {
            state.once = None;
            state.trapped_at = Some(name(point.call));
            return Verdict::Trap;
        }
        if let Some(rule) = &mut state.always
            && rule(component, &point)
        {
            state.trapped.insert(point.invocation);
            return Verdict::Trap;
        }
        Verdict::Continue
    }
}

/// The armed component, if it is this one.
fn known(state: &State, component: &str) -> &'static str {
    state.once.map(|(armed, ..)| armed).filter(|armed| *armed == component).unwrap_or_default()
}

/// A call in one line: the statement, the command, or the address.
fn name(call: Call<'_>) -> String {
    match call {
        Call::Sqlite { statement } => statement.to_owned(),
        Call::Redis { command } => command.to_owned(),
        Call::Http { uri } => format!("POST {uri}"),
        _ => String::new(),
    }
}
