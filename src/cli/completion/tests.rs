use super::{place, server, short};
use crate::client::Server;

#[test]
fn a_line_names_its_server() {
    let unix: Server = "unix:/s".parse().expect("a server");
    for line in ["stockade logs --server unix:/s ", "stockade --server=unix:/s logs 0198"] {
        assert_eq!(server(line).map(|args| args.server), Some(unix.clone()), "{line}");
    }
    let args = server("stockade logs -f --token-file /t --step x").expect("the default");
    assert_eq!(args.token_file.as_deref(), Some("/t".as_ref()));
    assert!(server("stockade logs --server").is_none(), "half a line");
    assert!(server("stockade logs --server nonsense").is_none(), "no server");
}

#[test]
fn a_line_says_where_images_are() {
    let args = place("stockade image rm --tenant ci --state-dir=/s -f bb:").expect("a place");
    assert_eq!(args.tenant.as_deref(), Some("ci"));
    assert!(place("stockade image rm --server unix:/s --state-dir /s").is_none(), "one or the other");
}

#[test]
fn names_are_those_that_people_write() {
    let names = ["docker.io/library/bb:1", "docker.io/acme/bb:1", "127.0.0.1:5000/library/bb:1", "library/x"];
    assert_eq!(names.map(short), ["bb:1", "acme/bb:1", "127.0.0.1:5000/library/bb:1", "library/x"]);
}
