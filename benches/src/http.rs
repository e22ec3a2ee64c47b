//! Turns over HTTP on loopback: Bob beside handlers written by hand, on the same server, client and kind of database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use bob_core::limit::LimitRates;
use bob_storage::{SqliteOptions, SqliteStorage};
use bob_tower::ClientAddr;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::{Stopwatch, thread_cpu};
use crate::report::{Goal, Report, Rounds};
use crate::rival::{Kind, Rival};
use crate::world::{self, HISTORY, ORIGIN, TEXTS, Talk, World};
use crate::{Effort, Result};

/// How many connections the client keeps busy.
const CONNECTIONS: [usize; 2] = [1, 32];

/// One of those that are compared.
struct Contestant {
    name: &'static str,
    address: SocketAddr,
    database: PathBuf,
    /// Counts the messages that are stored.
    count: &'static str,
    /// How many answers it has given.
    answered: usize,
    rate: Rounds,
    cpu: Rounds,
}

/// Bob, and each handler, by turns; every answer must be a good one and stand in the database afterwards.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let runtime = world::runtime()?;
    for connections in CONNECTIONS {
        runtime.block_on(compare(effort, connections, report))?;
    }
    Ok(())
}

async fn compare(effort: Effort, connections: usize, report: &mut Report) -> Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];
    let [of_bob, of_naive, of_tuned] = folders.each_ref().map(TempDir::path);
    let storage = SqliteStorage::open(SqliteOptions::file(of_bob.join("bob.db")), world::keyring()?).await?;
    let shop = world::shop(TEXTS, vec![ORIGIN.parse()?])?;
    let world = World::start(Arc::new(storage.clone()), None, shop, LimitRates::unlimited()).await?;
    let key = world.key.clone();
    let naive = Rival::open(Kind::Naive, of_naive, &key, ORIGIN).await?;
    let tuned = Rival::open(Kind::Tuned, of_tuned, &key, ORIGIN).await?;

    let contestant = async |name, folder: &Path, file, app, count| {
        let (database, address) = (folder.join(file), serve(app).await?);
        let (rate, cpu) = (Rounds::default(), Rounds::default());
        Ok::<_, std::io::Error>(Contestant { name, address, database, count, answered: 0, rate, cpu })
    };
    let bob = Router::new().fallback_service(world.service.clone());
    let mut contestants = [
        contestant("Bob", of_bob, "bob.db", bob, "SELECT count(*) FROM bob_messages").await?,
        contestant("naive", of_naive, "rival.db", naive.app(), "SELECT count(*) FROM messages").await?,
        contestant("tuned", of_tuned, "rival.db", tuned.app(), "SELECT count(*) FROM messages").await?,
    ];
    for _ in 0..effort.rounds() {
        for contestant in &mut contestants {
            contestant.measure(effort, connections, &key).await?;
        }
    }
    for contestant in &contestants {
        contestant.count_stored().await?;
    }
    world.stop().await?;

    for Contestant { name, rate, cpu, .. } in &contestants {
        report.add("http", format!("{name}, {connections} connections"), "req/s", rate);
        report.add("http", format!("{name}, {connections} connections"), "µs CPU a request", cpu);
    }
    let [bob, naive, tuned] = &contestants;
    let case = |what: &str| format!("Bob : {what}, {connections} connections");
    report.against(Goal::AtMost(0.85), "http", case("naive, CPU"), "", &bob.cpu.by(&naive.cpu));
    report.add("http", case("tuned, CPU"), "", &bob.cpu.by(&tuned.cpu));
    report.add("http", case("naive, req/s"), "", &bob.rate.by(&naive.rate));
    report.against(Goal::AtLeast(0.8), "http", case("tuned, req/s"), "", &bob.rate.by(&tuned.rate));
    Ok(())
}

impl Contestant {
    async fn measure(&mut self, effort: Effort, connections: usize, key: &str) -> Result<()> {
        let (address, key, span) = (self.address, key.to_owned(), effort.span());
        let client = std::thread::Builder::new().name("client".into());
        let (reply, measured) = tokio::sync::oneshot::channel();
        let client = client.spawn(move || {
            let _ = reply.send(client_run(address, connections, &key, span));
        })?;
        let measured = measured.await;
        client.join().map_err(|_| "the client panicked")?;
        let Measured { answered, counted, wall, server } = measured??;
        self.answered += answered;
        self.rate.add(counted as f64 / wall.as_secs_f64());
        self.cpu.add(server.as_secs_f64() * 1e6 / counted as f64);
        Ok(())
    }

    /// Each answer means two stored messages, and there are no others.
    async fn count_stored(&self) -> Result<()> {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.database);
        let mut connection = options.connect().await?;
        let stored: i64 = sqlx::query_scalar(self.count).fetch_one(&mut connection).await?;
        connection.close().await?;
        if usize::try_from(stored)? == 2 * self.answered {
            return Ok(());
        }
        Err(format!("{} gave {} answers and stored {stored} messages", self.name, self.answered).into())
    }
}

/// As the reference server serves.
async fn serve(app: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
        while let Ok((stream, peer)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let app = app.clone();
            let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ClientAddr(peer.ip()));
                tower::ServiceExt::oneshot(app.clone(), request)
            });
            let connection =
                builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
            tokio::spawn(async move {
                // A connection that breaks off is missed by the client.
                let _ = connection.await;
            });
        }
    });
    Ok(address)
}

/// What a client found.
struct Measured {
    /// All answers, those that began the conversations included.
    answered: usize,
    /// The answers while it was measured.
    counted: usize,
    wall: Duration,
    /// What all threads worked but the client's.
    server: Duration,
}

/// Runs on a thread of its own, so that what it works can be told from what the server works.
fn client_run(address: SocketAddr, connections: usize, key: &str, span: Duration) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ready = Vec::new();
        for _ in 0..connections {
            ready.push(Connection::open(address, key).await?);
        }
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
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(turns)
            });
        }
        let mut counted = 0;
        while let Some(turns) = busy.join_next().await {
            counted += turns??;
        }
        let elapsed = watch.stop()?;
        let server = elapsed.cpu.saturating_sub(thread_cpu()?.saturating_sub(worked));
        Ok(Measured { answered: connections * HISTORY + counted, counted, wall: elapsed.wall, server })
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
