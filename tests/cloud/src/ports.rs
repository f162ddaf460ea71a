//! Free ports. Who is to find a server must know its port before the server has taken it.

use std::net::TcpListener;

/// Where ports are looked for: below those that the system gives to outgoing connections.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// So many ports on which nobody listens now.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    // All are held until all are found: none is found twice.
    let held = std::array::from_fn::<_, N, _>(|_| {
        loop {
            let port = fastrand::u16(RANGE);
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
                break (port, listener);
            }
        }
    });
    held.map(|(port, _)| port)
}
