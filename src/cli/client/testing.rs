//! A server that answers as it is told to, for what no real one can be made to do at a given byte.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use super::{Client, ServerArgs};

/// One connection after the other gets one of the `answers`, and is closed.
pub(crate) struct Scripted {
    pub(crate) address: String,
    requests: JoinHandle<Vec<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let serve = move || {
            let pairs = answers.iter().map(|answer| (listener.accept().expect("a connection").0, answer));
            pairs.map(|(stream, answer)| one(&stream, answer)).collect()
        };
        Self { address, requests: thread::spawn(serve) }
    }

    pub(crate) fn client(&self) -> Client {
        client(&self.address)
    }

    /// The heads of all requests, in lines.
    pub(crate) fn requests(self) -> Vec<Vec<String>> {
        self.requests.join().expect("all answers were asked for")
    }
}

pub(crate) fn client(address: &str) -> Client {
    let server = address.parse().expect("an address");
    Client::new(&ServerArgs { server, cacert: None, token_file: None }).expect("a client")
}

fn one(mut stream: &TcpStream, answer: &str) -> Vec<String> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head = lines.take_while(|line| !line.is_empty()).collect();
    stream.write_all(answer.as_bytes()).expect("somebody listens");
    head
}

/// An answer with a length, so that a body that is shorter is a broken connection.
pub(crate) fn answer(status: &str, headers: &str, length: usize, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}
