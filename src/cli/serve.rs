//! Showing pages on this machine alone. The only file that knows the server.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

use super::{Exit, set_on_interrupt};

/// How often an interrupt is looked for.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is said to a request.
pub(super) struct Answer {
    kind: &'static str,
    body: String,
}

impl Answer {
    pub(super) const fn html(body: String) -> Self {
        Self { kind: "text/html; charset=utf-8", body }
    }
    pub(super) const fn json(body: String) -> Self {
        Self { kind: "application/json", body }
    }
}

/// Answers requests until an interrupt. `find` has what there is by its path.
pub(super) fn serve(port: u16, find: &dyn Fn(&str) -> Option<Answer>) -> Result<Exit, Exit> {
    let server = Server::http(("127.0.0.1", port)).map_err(|error| {
        eprintln!(
            "error: cannot listen on port {port} of this machine: {error}; another `--port`, or none, may be free"
        );
        Exit::BadInput
    })?;
    let Some(address) = server.server_addr().to_ip() else { return Err(Exit::Internal) };
    let stop = set_on_interrupt();
    println!("http://{address}/");
    eprintln!("an interrupt (Ctrl-C) ends it");
    while !stop.load(Ordering::Relaxed) {
        match server.recv_timeout(PATIENCE) {
            Ok(Some(request)) => answer(request, address.port(), find),
            Ok(None) => {}
            Err(error) => eprintln!("a request could not be read: {error}"),
        }
    }
    Ok(Exit::Fine)
}

fn answer(request: Request, port: u16, find: &dyn Fn(&str) -> Option<Answer>) {
    // A page of somebody else that has this address resolved to its own name must not read what is here.
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let is_ours = host.is_some_and(|host| hosts.iter().any(|own| host.value.as_str() == own));
    let path = request.url().split(['?', '#']).next().unwrap_or_default().to_owned();
    let said = |status: u16, text: &str| (status, Answer { kind: "text/plain", body: text.to_owned() });
    let (status, answer) = match request.method() {
        _ if !is_ours => said(403, "this page is for the machine that shows it\n"),
        Method::Get | Method::Head => {
            find(&path).map_or_else(|| said(404, "there is no such page\n"), |found| (200, found))
        }
        _ => said(405, "pages can only be read\n"),
    };
    let mut response = Response::from_string(answer.body).with_status_code(status);
    for (name, value) in
        [("Content-Type", answer.kind), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]
    {
        let header = Header::from_bytes(name, value).expect("these are headers");
        response.add_header(header);
    }
    // Whoever asked may be slow to read, or to send what nobody reads, or gone by now. The others do not wait.
    #[expect(clippy::disallowed_methods, reason = "it answers a browser; no run is going on")]
    let answering = std::thread::spawn(move || drop(request.respond(response)));
    drop(answering);
}
