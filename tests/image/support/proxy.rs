use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// In front of a registry: each connection ends when so many bytes have come back over it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicU64>,
    passed: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) fn new(to: &str, bytes: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let (connections, passed) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (counting, adding, to) = (Arc::clone(&connections), Arc::clone(&passed), to.to_owned());
        // Ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                counting.fetch_add(1, Ordering::Relaxed);
                let (adding, to) = (Arc::clone(&adding), to.clone());
                thread::spawn(move || relay(&client, &to, bytes, &adding));
            }
        });
        Self { address, connections, passed }
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Bytes that came back.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

fn relay(client: &TcpStream, to: &str, bytes: u64, passed: &AtomicU64) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    let (mut asked, mut asking) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut asked, &mut asking));
    let (mut from, mut back) = ((&server).take(bytes), client);
    let mut piece = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            break;
        }
        back.write_all(&piece[..read])?;
        passed.fetch_add(read as u64, Ordering::Relaxed);
    }
    client.shutdown(Shutdown::Both)?;
    server.shutdown(Shutdown::Both)
}
