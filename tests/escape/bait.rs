//! What an attack may reach for on the host, and whether it got there. Each run has its own, so that what arrives is
//! that run's doing.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use support::{Temp, stockade};

/// A variable of the daemon, which no job may see.
const TOKEN: &str = "ESCAPE_HOST_TOKEN";
const NAMESPACES: [&str; 8] = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"];

#[derive(Debug)]
pub(crate) struct Bait {
    tcp: TcpListener,
    udp: UdpSocket,
    by_name: UnixListener,
    by_path: UnixListener,
    abstract_name: String,
    secret: String,
    folder: Temp,
}

impl Bait {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let own = format!("{}-{number}", std::process::id());
        let abstract_name = format!("escape-bait-{own}");
        let address = SocketAddr::from_abstract_name(abstract_name.as_bytes()).expect("a short name");
        let by_name = UnixListener::bind_addr(&address).expect("an abstract name of our own");
        // Jobs have a /tmp of their own, which would hide the bait: it must be out of reach by not being shown.
        let folder = Temp::below(Path::new("/var/tmp"));
        let secret = format!("secret-{own}-{}", nanoseconds());
        folder.file("file", format!("{secret}\n"));
        let by_path = UnixListener::bind(folder.path().join("socket")).expect("a path of our own");
        let open = Permissions::from_mode(0o777);
        fs::set_permissions(folder.path().join("socket"), open).expect("mode of an own socket");
        let (tcp, udp) = port();
        let bait = Self { tcp, udp, by_name, by_path, abstract_name, secret, folder };
        bait.tcp.set_nonblocking(true).expect("an own socket");
        bait.udp.set_nonblocking(true).expect("an own socket");
        bait.by_name.set_nonblocking(true).expect("an own socket");
        bait.by_path.set_nonblocking(true).expect("an own socket");
        bait
    }

    /// What the harness supplies under this name.
    pub(crate) fn value(&self, name: &str) -> String {
        match name {
            "HOST_PORT" => self.tcp.local_addr().expect("it is bound").port().to_string(),
            "HOST_ADDRESS" => address().to_string(),
            "HOST_ABSTRACT" => self.abstract_name.clone(),
            "HOST_SOCKET" => text(self.folder.path().join("socket")),
            "HOST_FILE" => text(self.file()),
            // All that the daemon has on a disk: it keeps its records in memory.
            "HOST_STATE" => text(stockade().parent().expect("the binary lies in a folder").into()),
            "HOST_SECRET_NAME" => TOKEN.into(),
            "HOST_NAMESPACES" => NAMESPACES.map(namespace).join(","),
            _ => panic!("the header lets {name} through, and nobody supplies it"),
        }
    }

    /// The first of the secrets that stands in there.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        let token = std::env::var(TOKEN).expect("set by `give_token`");
        let holds = |what: &str| bytes.windows(what.len()).any(|window| window == what.as_bytes());
        if holds(&self.secret) {
            Some("the text of HOST_FILE")
        } else if holds(&token) {
            Some("the value of HOST_SECRET_NAME")
        } else {
            None
        }
    }

    /// What was reached, if anything.
    pub(crate) fn bitten(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut packet = [0; 64];
        let arrived = [
            ("TCP HOST_PORT", self.tcp.accept().map(drop)),
            ("UDP HOST_PORT", self.udp.recv(&mut packet).map(drop)),
            ("HOST_ABSTRACT", self.by_name.accept().map(drop)),
            ("HOST_SOCKET", self.by_path.accept().map(drop)),
        ];
        for (name, result) in arrived {
            match result {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => found.push(format!("something arrived at {name}: {result:?}")),
            }
        }
        let mut now = String::new();
        let read = fs::File::open(self.file()).and_then(|mut file| file.read_to_string(&mut now));
        if read.is_err() || now != format!("{}\n", self.secret) {
            found.push(format!("HOST_FILE changed: {read:?} {now:?}"));
        }
        let entries = fs::read_dir(self.folder.path()).map(Iterator::count).ok();
        if entries != Some(2) {
            found.push(format!("beside HOST_FILE and HOST_SOCKET: {entries:?} entries"));
        }
        found
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("file")
    }
}

/// Starts this program once more with the token in its environment, which the daemons inherit: a process cannot safely
/// change the environment it has.
pub(crate) fn give_token() {
    if std::env::var_os(TOKEN).is_some() {
        return;
    }
    let own = std::env::current_exe().expect("a program knows its path");
    let token = format!("token-{}-{}", std::process::id(), nanoseconds());
    let error = Command::new(own).args(std::env::args_os().skip(1)).env(TOKEN, token).exec();
    panic!("cannot start again: {error}");
}

/// One number for both protocols on all addresses, of IPv6 too where there is any.
fn port() -> (TcpListener, UdpSocket) {
    for _ in 0..100 {
        let tcp = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"));
        let tcp = tcp.expect("a free port");
        let at = tcp.local_addr().expect("it is bound");
        if let Ok(udp) = UdpSocket::bind(at) {
            return (tcp, udp);
        }
    }
    panic!("no port is free for TCP and UDP");
}

/// Where the host would send from, without sending anything.
fn address() -> std::net::IpAddr {
    let chosen = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    chosen.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

fn namespace(kind: &str) -> String {
    let link = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap_or_default();
    String::from_utf8_lossy(link.as_os_str().as_bytes()).into_owned()
}

fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("a temporary path is text")
}

fn nanoseconds() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
