//! A stand-in for the todo API that can be told to stall, hang up, or say nothing.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use gauntlet_contract::UserId;
use gauntlet_loadgen::client::{Client, Target, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        body: String,
    },
    /// Closes the connection after having read the request.
    HangUp,
    /// Sends the head and a part of the body, then closes.
    BreakOff,
    /// Reads on and never answers.
    Silence,
}

impl Reply {
    pub(crate) fn answer(status: u16, body: impl Into<String>) -> Reply {
        Reply::Answer {
            status,
            body: body.into(),
        }
    }

    pub(crate) fn created() -> Reply {
        Reply::answer(
            201,
            r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","version":1}"#,
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The request line without the protocol: `POST /api/tasks`.
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct TestApi {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    stalled: watch::Sender<bool>,
}

impl TestApi {
    /// Serves every request with `reply` until the test's process ends.
    pub(crate) fn start(reply: Reply) -> TestApi {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stalled, stall) = watch::channel(false);
        let book = Arc::clone(&seen);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("in a runtime");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    let connection = Connection {
                        stream,
                        stall: stall.clone(),
                        seen: Arc::clone(&book),
                    };
                    tokio::spawn(connection.serve(reply.clone()));
                }
            });
        });
        TestApi { url, seen, stalled }
    }

    /// Nothing is answered from here on.
    pub(crate) fn stall(&self) {
        self.stalled.send_replace(true);
    }

    pub(crate) fn resume(&self) {
        self.stalled.send_replace(false);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    pub(crate) fn target(&self) -> Target {
        Target::new(&self.url).expect("loopback")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.target()).expect("a client")
    }
}

pub(crate) fn user() -> Arc<User> {
    Arc::new(User::new(UserId::generate(), "token").expect("a token"))
}

struct Connection {
    stream: TcpStream,
    stall: watch::Receiver<bool>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Connection {
    /// Ends with the connection, whichever side closes it.
    async fn serve(mut self, reply: Reply) -> io::Result<()> {
        let mut buffered = Vec::new();
        loop {
            let seen = self.read_request(&mut buffered).await?;
            self.seen.lock().expect("not poisoned").push(seen);
            let open = self.stall.wait_for(|stalled| !stalled).await.is_ok();
            assert!(open, "the test dropped its server");
            match &reply {
                Reply::Answer { status, body } => self.answer(*status, body, body.len()).await?,
                Reply::HangUp => return Ok(()),
                Reply::BreakOff => return self.answer(201, "{", 1_000).await,
                Reply::Silence => {}
            }
        }
    }

    async fn answer(&mut self, status: u16, body: &str, length: usize) -> io::Result<()> {
        // A 204 has neither body nor length.
        let answer = if status == 204 {
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        } else {
            format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        self.stream.write_all(answer.as_bytes()).await
    }

    /// Takes one request off the front of `buffered`, reading as much more as it needs.
    async fn read_request(&mut self, buffered: &mut Vec<u8>) -> io::Result<Seen> {
        loop {
            if let Some((seen, length)) = parse(buffered) {
                buffered.drain(..length);
                return Ok(seen);
            }
            if self.stream.read_buf(buffered).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn parse(buffered: &[u8]) -> Option<(Seen, usize)> {
    let text = std::str::from_utf8(buffered).expect("ASCII requests");
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let body_length = headers
        .lines()
        .find_map(|header| header.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a number"));
    let body = rest.get(..body_length)?;
    let seen = Seen {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        head: headers.to_owned(),
        body: body.to_owned(),
    };
    Some((seen, head.len() + 4 + body_length))
}
