//! What lies between a host and its database: a wire that can be cut, fall silent or become slow.

use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

/// How the wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All passes.
    Open,
    /// Whoever has a connection has it no more, and nobody gets one: both ends are told.
    Cut,
    /// Nothing passes, and nobody is told. What was on its way arrives when all passes again.
    Silent,
    /// All passes so much later.
    Slow(Duration),
}

/// A wire to a port of this machine. It is gone once this is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    way: watch::Sender<Way>,
    _stop: oneshot::Sender<()>,
}

impl Proxy {
    /// Lays one to a port.
    pub fn to(far: u16) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (way, ways) = watch::channel(Way::Open);
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve(listener, far, ways) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { port, way, _stop: stop }
    }

    /// The near end.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has the wire be so from now on.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn serve(listener: TcpListener, far: u16, ways: watch::Receiver<Way>) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(pass(near, far, ways.clone()));
    }
}

/// Passes on what either end says, until one of them ends or the wire is cut.
async fn pass(mut near: TcpStream, far: u16, mut ways: watch::Receiver<Way>) {
    if passes(&mut ways).await.is_none() {
        let _ = near.set_zero_linger();
        return;
    }
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", far)).await else {
        let _ = near.set_zero_linger();
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let is_cut = {
        let (mut near_says, mut near_hears) = near.split();
        let (mut far_says, mut far_hears) = far.split();
        let mut cut = ways.clone();
        tokio::select! {
            () = pump(&mut near_says, &mut far_hears, ways.clone()) => false,
            () = pump(&mut far_says, &mut near_hears, ways.clone()) => false,
            _ = cut.wait_for(|way| *way == Way::Cut) => true,
        }
    };
    if is_cut {
        let _ = (near.set_zero_linger(), far.set_zero_linger());
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut ways: watch::Receiver<Way>,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or_default();
        let Some(later) = passes(&mut ways).await else { return };
        sleep(later).await;
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// Waits until anything passes; how much later. `None` once the wire is cut.
async fn passes(ways: &mut watch::Receiver<Way>) -> Option<Duration> {
    loop {
        let way = *ways.borrow_and_update();
        match way {
            Way::Open => return Some(Duration::ZERO),
            Way::Slow(later) => return Some(later),
            Way::Cut => return None,
            Way::Silent => ways.changed().await.ok()?,
        }
    }
}
