//! A free port: whoever is told of a server must know its port again after it was started anew.

use std::net::TcpListener;

/// Where ports are looked for: below those that the system gives to outgoing connections.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port on which nobody listens now.
pub fn free() -> u16 {
    loop {
        let port = fastrand::u16(RANGE);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
