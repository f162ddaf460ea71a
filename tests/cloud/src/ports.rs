//! Free ports. Who is to find a server must know its port before the server has taken it.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Mutex;

/// Where ports are looked for: below those that the system gives to outgoing connections.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// What was given out: who has it may not listen on it yet.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// So many ports on which nobody listens now, and that were not given to anybody.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let mut given = GIVEN.lock().unwrap();
    // All are held until all are found: none is found twice.
    let held = std::array::from_fn::<_, N, _>(|_| {
        loop {
            let port = fastrand::u16(RANGE);
            if given.contains(&port) {
                continue;
            }
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
                given.insert(port);
                break (port, listener);
            }
        }
    });
    held.map(|(port, _)| port)
}
