//! A client over HTTP that keeps a number of connections busy, on a thread of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::clock::{Stopwatch, thread_cpu};
use crate::database::Kind;
use crate::world::{self, HISTORY, ORIGIN, Talk};
use crate::{Error, Result};

/// What a client found.
pub struct Measured {
    /// All answers, those that began the conversations included.
    pub answered: usize,
    /// The answers while it was measured.
    pub counted: usize,
    pub wall: Duration,
    /// What all threads of this process worked but the client's.
    pub server: Duration,
    /// What the database's own processes worked, where they are seen.
    pub database: Option<Duration>,
}

/// A client's thread, so that what it works can be told from what the server works; every answer must be a success.
pub async fn measure(
    address: SocketAddr,
    connections: usize,
    key: &str,
    span: Duration,
    on: &Kind,
) -> Result<Measured> {
    let (key, on) = (key.to_owned(), on.clone());
    let (reply, measured) = tokio::sync::oneshot::channel();
    let client = std::thread::Builder::new().name("client".into()).spawn(move || {
        let _ = reply.send(run(address, connections, &key, span, &on));
    })?;
    let measured = measured.await;
    client.join().map_err(|_| "the client panicked")?;
    measured?
}

fn run(address: SocketAddr, connections: usize, key: &str, span: Duration, on: &Kind) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ready = Vec::new();
        for _ in 0..connections {
            ready.push(Connection::open(address, key).await?);
        }
        let before = on.cpu()?;
        let (watch, worked) = (Stopwatch::start()?, thread_cpu()?);
        let until = Instant::now() + span;
        let mut busy = tokio::task::JoinSet::new();
        for mut connection in ready {
            busy.spawn(async move {
                let mut turns = 0;
                while turns == 0 || Instant::now() < until {
                    connection.ask(turns).await?;
                    turns += 1;
                }
                Ok::<_, Error>(turns)
            });
        }
        let mut counted = 0;
        while let Some(turns) = busy.join_next().await {
            counted += turns??;
        }
        let elapsed = watch.stop()?;
        let server = elapsed.cpu.saturating_sub(thread_cpu()?.saturating_sub(worked));
        let database = before.zip(on.cpu()?).map(|(before, after)| after.saturating_sub(before));
        let answered = connections * HISTORY + counted;
        Ok(Measured { answered, counted, wall: elapsed.wall, server, database })
    })
}

/// A connection that is kept, and the conversation that goes on over it.
struct Connection {
    stream: TcpStream,
    head: String,
    talk: Option<Talk>,
    received: Vec<u8>,
}

impl Connection {
    /// Connects and begins a conversation of 20 messages.
    async fn open(address: SocketAddr, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "POST /api/widget/chat HTTP/1.1\r\nhost: {address}\r\norigin: {ORIGIN}\r\nx-widget-key: {key}\r\n\
             content-type: application/json\r\naccept-language: en\r\n"
        );
        let mut connection = Self { stream, head, talk: None, received: Vec::new() };
        let talk: Talk = serde_json::from_slice(connection.ask(0).await?)?;
        if let Some(token) = &talk.visitor_token {
            connection.head.push_str(&format!("x-bob-visitor: {token}\r\n"));
        }
        connection.talk = Some(talk);
        for number in 1..HISTORY {
            connection.ask(number).await?;
        }
        Ok(connection)
    }

    /// Sends a message and reads the answer's body; an answer that is no success is an error.
    async fn ask(&mut self, number: usize) -> Result<&[u8]> {
        let body = world::body(world::question(number), self.talk.as_ref());
        let request = format!("{}content-length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        let (from, length) = loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server hung up".into());
            }
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break (end + 4, content_length(&self.received[..end])?);
            }
        };
        while self.received.len() < from + length {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server hung up".into());
            }
        }
        Ok(&self.received[from..])
    }
}

/// The length of the body behind the head of a success.
fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 2") {
        return Err(format!("answered {status}").into());
    }
    let mut named = lines.filter_map(|line| line.split_once(':'));
    let length = named.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    Ok(length.ok_or("an answer without content-length")?.1.trim().parse()?)
}
