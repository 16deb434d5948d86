use super::server;
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
