use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use support::{Daemon, Random, Who, figure};

use super::{ask, ask_fed, begun, submitted, url};

/// Of binary output, in many pieces and for a second or two.
const PRINTS: &str = "i=0; while [ $i -lt 150 ]; do head -c 700 /dev/urandom; sleep 0.01; i=$((i + 1)); done";
const BREAKS: usize = 25;
/// Enough for the head and one event, and for some.
const LONGEST: usize = 3000;
/// More than the head and the largest event. Every so often a connection lasts for that: else a machine that is slow, where
/// much comes together in one event, gets nowhere until the client gives up.
const WHOLE: usize = 18_000;
const WHOLE_EVERY: usize = 6;

/// Stands between client and daemon, and cuts the first connections off after some bytes of the answer.
struct Cutter {
    address: String,
    cuts: Arc<AtomicUsize>,
}

impl Cutter {
    /// `spared`: so many connections before the first that is cut.
    fn before(daemon: SocketAddr, spared: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        thread::spawn(move || {
            let mut random = Random::new(7);
            for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
                let most = match number.checked_sub(spared) {
                    Some(cut) if cut >= BREAKS => usize::MAX,
                    Some(cut) if cut % WHOLE_EVERY == WHOLE_EVERY - 1 => WHOLE + random.below(LONGEST),
                    Some(_) => random.below(LONGEST),
                    None => usize::MAX,
                };
                let server = TcpStream::connect(daemon).expect("the daemon listens");
                let counted = Arc::clone(&counted);
                thread::spawn(move || {
                    pass(client, server, most, &counted);
                });
            }
        });
        Self { address, cuts }
    }
}

fn pass(mut client: TcpStream, mut server: TcpStream, most: usize, cuts: &AtomicUsize) {
    let (mut asked, mut asking) =
        (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    thread::spawn(move || std::io::copy(&mut asked, &mut asking).ok());
    let (mut sent, mut buffer) = (0, [0; 1024]);
    loop {
        let read = server.read(&mut buffer).unwrap_or(0);
        let part = read.min(most - sent);
        if read == 0 || client.write_all(&buffer[..part]).is_err() || part < read {
            // Before anybody can notice.
            cuts.fetch_add(usize::from(part < read), Ordering::Relaxed);
            client.shutdown(Shutdown::Both).ok();
            server.shutdown(Shutdown::Both).ok();
            return;
        }
        sent += part;
    }
}

pub(super) fn logs_over_connections_that_break(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = submitted(&daemon, &["--", "sh", "-c", PRINTS]);
    let cutter = Cutter::before(daemon.address, 0);
    let followed = ask_fed(who, &cutter.address, &["logs", "-f", &id], b"");
    assert_eq!(followed.code, 0, "{}", followed.stderr);
    let whole = ask(&daemon, &["logs", &id]);
    assert_eq!(whole.stdout.len(), 150 * 700, "{}", whole.stderr);
    assert!(followed.stdout == whole.stdout, "{} bytes of {}", followed.stdout.len(), whole.stdout.len());
    let cuts = cutter.cuts.load(Ordering::Relaxed);
    assert_eq!(cuts, BREAKS);
    figure(format!("{}: logs -f was exact over {cuts} broken connections", who.name()));
}

pub(super) fn a_waited_job_over_connections_that_break(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cutter = Cutter::before(daemon.address, 1);
    let script = format!("{PRINTS}; exit 9");
    let ran = ask_fed(who, &cutter.address, &["submit", "--wait", "--", "sh", "-c", &script], b"");
    assert_eq!((ran.code, ran.stdout.len()), (9, 150 * 700), "{}", ran.stderr);
    assert_eq!(cutter.cuts.load(Ordering::Relaxed), BREAKS);
}

pub(super) fn a_reader_that_has_seen_enough(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = submitted(&daemon, &["--wall", "60s", "--", "sh", "-c", "while :; do echo y; sleep 0.01; done"]);
    let mut follower: Child = begun(who, &url(&daemon), &["logs", "-f", &id]);
    let mut some = [0; 4];
    let mut output = follower.stdout.take().expect("a pipe");
    output.read_exact(&mut some).expect("output");
    assert_eq!(&some, b"y\ny\n");
    drop(output);
    assert_eq!(follower.wait().expect("an own child").code(), Some(0), "as `… | head` wants it");
    assert_eq!(ask(&daemon, &["cancel", &id]).code, 0);
}
