use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use super::*;

fn checked(address: &str, tokens: Option<usize>, tls: bool, allow_plaintext: bool) -> Result<(), String> {
    let address = Address::parse(address).expect("an address");
    address.check(Safety { tokens, tls, allow_plaintext }).map_err(|error| error.to_string())
}

#[test]
fn beyond_loopback_it_takes_tokens_and_tls() {
    for local in ["127.0.0.1:0", "127.8.8.8:80", "[::1]:7070", "[::ffff:127.0.0.1]:1", "unix:/s"] {
        assert_eq!(checked(local, None, false, false), Ok(()), "{local}");
    }
    for far in ["0.0.0.0:7070", "[::]:7070", "192.168.1.2:80", "[::ffff:10.0.0.1]:1"] {
        for tokens in [None, Some(0)] {
            let error = checked(far, tokens, true, true).expect_err("refused");
            assert!(error.contains("there are no tokens"), "{far}: {error}");
        }
        let error = checked(far, Some(1), false, false).expect_err("refused");
        assert!(error.contains("without TLS"), "{far}: {error}");
        assert_eq!(checked(far, Some(1), true, false), Ok(()), "{far}");
        assert_eq!(checked(far, Some(1), false, true), Ok(()), "{far}");
    }
}

#[test]
fn a_socket_is_named_from_the_root() {
    for bad in ["unix:", "unix:/", "unix:s", "unix:./s", "unix:/a/../s", "localhost:1", "7070", ""] {
        assert!(Address::parse(bad).is_err(), "{bad}");
    }
    let address = Address::parse("unix:/run/s.sock").expect("a socket");
    assert_eq!(
        (address.to_string().as_str(), &address),
        ("unix:/run/s.sock", &Address::Unix("/run/s.sock".into()))
    );
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stockade-listen-{name}-{}", std::process::id()));
    fs::remove_dir_all(&folder).ok();
    folder
}

fn kind(refused: &anyhow::Error) -> Option<ErrorKind> {
    refused.downcast_ref::<io::Error>().map(io::Error::kind)
}

#[test]
fn a_socket_is_there_while_it_is_listened_on() {
    let folder = folder("life");
    let path = folder.join("made/s.sock");
    let address = Address::Unix(path.clone());
    let Socket::Unix(listener, name) = address.bind().expect("a socket") else { panic!("a unix socket") };
    assert_eq!(fs::metadata(&path).expect("a name").permissions().mode() & 0o777, 0o660);
    assert_eq!(kind(&address.bind().expect_err("somebody listens")), Some(ErrorKind::AddrInUse));
    let mut client = UnixStream::connect(&path).expect("a connection");
    listener.set_nonblocking(false).expect("a mode");
    drop(listener.accept().expect("whoever looked whether somebody listens"));
    listener.accept().expect("a client").0.write_all(b"hello").expect("sent");
    let mut heard = String::new();
    client.read_to_string(&mut heard).expect("text");
    assert_eq!(heard, "hello");
    drop((listener, name));
    assert!(!path.exists());
    fs::remove_dir_all(&folder).expect("an own folder");
}

#[test]
fn what_a_killed_server_left_is_replaced_and_nothing_else() {
    let folder = folder("stale");
    fs::create_dir(&folder).expect("a folder");
    let path = folder.join("s.sock");
    let address = Address::Unix(path.clone());
    drop(UnixListener::bind(&path).expect("a socket"));
    let Socket::Unix(_listener, name) = address.bind().expect("its place") else { panic!("a unix socket") };
    // Meanwhile another server took the name.
    fs::remove_file(&path).expect("a name");
    let other = UnixListener::bind(&path).expect("a socket");
    drop(name);
    assert!(path.exists(), "it is not ours any more");
    drop(other);
    fs::remove_file(&path).expect("a name");
    fs::write(&path, "precious").expect("a file");
    assert_eq!(kind(&address.bind().expect_err("a file is no socket")), Some(ErrorKind::AddrInUse));
    assert_eq!(fs::read(&path).expect("a file"), b"precious");
    fs::remove_dir_all(&folder).expect("an own folder");
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let address = Address::Unix(format!("/tmp/{}", "x".repeat(200)).into());
    assert!(address.bind().is_err());
}
