//! HTTP/1.1 by hand: a server that answers what a test says, a proxy that stalls, a client.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// What came: the request line's path with its query decoded, and the headers.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// A parameter of the query or of the form.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        [query, &self.body]
            .iter()
            .flat_map(|text| text.split('&'))
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| decoded(value))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex: Vec<u8> = bytes.by_ref().take(2).collect();
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}

/// Reads one request.
fn request(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut asked = Asked {
        path: head.split(' ').nth(1)?.to_owned(),
        head,
        body: String::new(),
    };
    let length = asked
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).unwrap();
    Some(asked)
}

/// A server on loopback; each connection has one request.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers with the bytes that `answer` gives, and closes; the number counts all requests from 0.
    pub(crate) fn new(answer: impl Fn(&Asked, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::with(move |asked, count, mut stream| {
            // whoever asks may have gone
            let _ = stream.write_all(&answer(asked, count));
        })
    }

    fn with(serve: impl Fn(&Asked, usize, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (known, serve) = (Arc::clone(&asked), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, serve, stream) = (Arc::clone(&known), Arc::clone(&serve), stream.unwrap());
                std::thread::spawn(move || {
                    let Some(request) = request(&stream) else { return };
                    let count = {
                        let mut known = known.lock().unwrap();
                        known.push(request.clone());
                        known.len() - 1
                    };
                    serve(&request, count, stream);
                });
            }
        });
        Self { url, asked }
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// What a store on loopback answers, to the byte.
pub(crate) fn forward(store: u16, asked: &Asked) -> Vec<u8> {
    let mut upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, store)).unwrap();
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{store}\r\nConnection: close\r\n\r\n",
        asked.path
    );
    upstream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).unwrap();
    answer
}

/// A proxy in front of a store that answers so many requests and lets the others wait for ever.
pub(crate) struct Stalling {
    pub(crate) server: Server,
    left: Arc<AtomicUsize>,
    stalled: Receiver<()>,
}

impl Stalling {
    pub(crate) fn before(store: u16, answers: usize) -> Self {
        let left = Arc::new(AtomicUsize::new(answers));
        let (tell, stalled): (Sender<()>, _) = channel();
        let counter = Arc::clone(&left);
        let held = Mutex::new(Vec::new());
        let server = Server::with(move |asked, _, mut stream| {
            let take = counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if take.is_err() {
                held.lock().unwrap().push(stream);
                let _ = tell.send(());
                return;
            }
            let _ = stream.write_all(&forward(store, asked));
        });
        Self { server, left, stalled }
    }

    /// Waits until a request waits for ever.
    pub(crate) fn wait(&self) {
        self.stalled.recv_timeout(std::time::Duration::from_mins(1)).unwrap();
    }

    /// From now on every request is answered.
    pub(crate) fn release(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }
}

/// An answer with its length.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One request to loopback; the body of the answer, whatever its status.
pub(crate) fn ask(port: u16, method: &str, path: &str, body: &[u8]) -> Result<String, std::io::Error> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer
        .split_once("\r\n\r\n")
        .map_or(String::new(), |(_, body)| body.to_owned()))
}
