//! Showing pages on this machine alone. The only file that knows HTTP: as much of it (RFC 9112) as a browser needs to
//! read pages, an answer a connection.
//!
//! Whoever asks has no power over it: heads of requests have an end and a time, so many are answered at once and no
//! more, and who takes nothing is left. What goes wrong with one connection ends that one only.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Exit, set_on_interrupt};

/// How long it rests when nobody asks, and after an error: what is lacking (files, memory) may be there again.
const REST: Duration = Duration::from_millis(20);
const REST_AFTER_ERROR: Duration = Duration::from_millis(200);
/// Requests that are answered at a time; further ones wait.
const MOST_AT_A_TIME: usize = 64;
/// How long a head of a request may be, and how long it may take to come.
const LONGEST_HEAD: usize = 16 * 1024;
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long it waits for somebody who takes nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read of somebody who goes on sending after he was answered, so that he hears the answer, and for how long.
const MOST_IGNORED: usize = 1024 * 1024;
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is said to a request.
#[derive(Clone)]
pub(super) struct Answer {
    kind: &'static str,
    body: Arc<str>,
}

impl Answer {
    pub(super) fn html(body: impl Into<Arc<str>>) -> Self {
        Self { kind: "text/html; charset=utf-8", body: body.into() }
    }
    pub(super) fn json(body: impl Into<Arc<str>>) -> Self {
        Self { kind: "application/json", body: body.into() }
    }
}

/// Finds what there is by its path.
pub(super) type Find = dyn Fn(&str) -> Option<Answer> + Send + Sync;

/// Answers requests until an interrupt.
pub(super) fn serve(port: u16, find: &Arc<Find>) -> Result<Exit, Exit> {
    let unable = |error: &io::Error| {
        eprintln!(
            "error: cannot listen on port {port} of this machine: {error}; another `--port`, or none, may be free"
        );
        Exit::BadInput
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| unable(&error))?;
    // So that it is looked for interrupts in between.
    listener.set_nonblocking(true).map_err(|error| unable(&error))?;
    let address = listener.local_addr().map_err(|error| unable(&error))?;
    let stop = set_on_interrupt();
    println!("http://{address}/");
    eprintln!("an interrupt (Ctrl-C) ends it");
    let busy = Arc::new(AtomicUsize::new(0));
    let mut has_failed = false;
    while !stop.load(Ordering::Relaxed) {
        if busy.load(Ordering::Acquire) >= MOST_AT_A_TIME {
            std::thread::sleep(REST);
            continue;
        }
        let taken = match listener.accept() {
            Ok((stream, _)) => answer_aside(stream, address.port(), find, Place::take(&busy)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(REST);
                continue;
            }
            // Whoever asked has gone.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => Err(error),
        };
        if let Err(error) = &taken {
            // It is said once, and not five times a second.
            if !has_failed {
                eprintln!("a request could not be taken: {error}; it goes on");
            }
            std::thread::sleep(REST_AFTER_ERROR);
        }
        has_failed = taken.is_err();
    }
    Ok(Exit::Fine)
}

/// One of the places of those that are answered at a time, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(busy))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Answers beside the others: whoever asked may be slow to send or to read, or gone by now.
fn answer_aside(stream: TcpStream, port: u16, find: &Arc<Find>, place: Place) -> io::Result<()> {
    let find = Arc::clone(find);
    let answering = move || {
        // Whom it cannot be said to does not hear it.
        drop(answer(stream, port, &*find));
        drop(place);
    };
    std::thread::Builder::new().name("answer".to_owned()).spawn(answering).map(drop)
}

fn answer(mut stream: TcpStream, port: u16, find: &Find) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let said = |status: &'static str, text: &str| (status, Answer { kind: "text/plain", body: text.into() });
    let head = head_of(&mut stream)?;
    let request = head.as_deref().and_then(Request::of);
    let (status, answer) = match &request {
        None => said("400 Bad Request", "this is no request\n"),
        // A page of somebody else that has this address resolved to its own name must not read what is here.
        Some(request) if !request.is_for(port) => {
            said("403 Forbidden", "this page is for the machine that shows it\n")
        }
        Some(Request { method: "GET" | "HEAD", path, .. }) => find(path)
            .map_or_else(|| said("404 Not Found", "there is no such page\n"), |found| ("200 OK", found)),
        Some(_) => said("405 Method Not Allowed", "pages can only be read\n"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nX-Content-Type-Options: nosniff\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        answer.kind,
        answer.body.len()
    );
    stream.write_all(head.as_bytes())?;
    if request.is_none_or(|request| request.method != "HEAD") {
        stream.write_all(answer.body.as_bytes())?;
    }
    stream.shutdown(Shutdown::Write)?;
    // What is closed before all is read that was sent is broken off, and the answer with it.
    let until = now() + LAST_WORDS;
    let (mut ignored, mut some) = (0, [0; 4096]);
    while ignored < MOST_IGNORED {
        match read_until(&mut stream, &mut some, until)? {
            0 => break,
            count => ignored += count,
        }
    }
    Ok(())
}

/// The head of a request; none where it is too long or no text.
fn head_of(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let until = now() + HEAD_TIME;
    let (mut head, mut some) = (Vec::new(), [0; 4096]);
    while head.len() < LONGEST_HEAD {
        let count = read_until(stream, &mut some, until)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The end may have come in two parts.
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(&some[..count]);
        if let Some(end) = head[from..].windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(from + end);
            return Ok(String::from_utf8(head).ok());
        }
    }
    Ok(None)
}

/// Reads what comes until then.
fn read_until(stream: &mut TcpStream, into: &mut [u8], until: Instant) -> io::Result<usize> {
    let left = until.saturating_duration_since(now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    stream.read(into)
}

/// What is asked for.
struct Request<'a> {
    method: &'a str,
    /// Without what follows a `?`.
    path: &'a str,
    hosts: Vec<&'a str>,
}

impl<'a> Request<'a> {
    fn of(head: &'a str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut parts = lines.next()?.split(' ');
        let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
        if !version.starts_with("HTTP/1.") || parts.next().is_some() {
            return None;
        }
        let host = |line: &'a str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("host").then(|| value.trim())
        };
        let path = target.split(['?', '#']).next().unwrap_or_default();
        Some(Self { method, path, hosts: lines.filter_map(host).collect() })
    }

    /// Whether it is meant for this address, and for no other that leads here.
    fn is_for(&self, port: u16) -> bool {
        let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        !self.hosts.is_empty() && self.hosts.iter().all(|host| own.iter().any(|own| host == own))
    }
}

#[expect(clippy::disallowed_methods, reason = "it waits for a browser; no run is going on")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_and_right(head: &str) -> Option<(&str, bool)> {
        Request::of(head).map(|request| (request.path, request.is_for(80)))
    }

    #[test]
    fn requests_are_taken_apart() {
        let own = "GET /data.json?x=1 HTTP/1.1\r\nAccept: */*\r\nhOST:  127.0.0.1:80 ";
        assert_eq!(path_and_right(own), Some(("/data.json", true)));
        assert_eq!(path_and_right("GET / HTTP/1.0\r\nHost: localhost:80"), Some(("/", true)));
        for host in
            ["", "\r\nHost: evil.example", "\r\nHost: localhost", "\r\nHost: localhost:80\r\nHost: evil"]
        {
            assert_eq!(path_and_right(&format!("GET / HTTP/1.1{host}")), Some(("/", false)), "{host}");
        }
        for broken in ["", "GET", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.1 more", "GET  / HTTP/1.1"] {
            assert_eq!(path_and_right(broken), None, "{broken}");
        }
    }
}
