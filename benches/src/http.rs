//! Turns over HTTP on loopback: Bob beside handlers written by hand, on the same server, client and kind of database.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use bob_tower::ClientAddr;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

use crate::client::{self, Measured};
use crate::database::{Commits, Database, Kind};
use crate::report::{Goal, Report, Rounds};
use crate::rival::{self, Rival};
use crate::world::{self, ORIGIN, Setup, TEXTS, World};
use crate::{Effort, Result};

/// How many connections the client keeps busy.
const CONNECTIONS: [usize; 3] = [1, 32, 128];

/// One of those that are compared.
struct Contestant {
    name: &'static str,
    address: SocketAddr,
    database: Database,
    key: String,
    /// Bob's workers, and his tenant.
    world: Option<World>,
    /// How many answers it has given.
    answered: usize,
    rate: Rounds,
    cpu: Rounds,
    with_database: Rounds,
}

/// Bob, and each handler, by turns; every answer must be a good one and stand in the database afterwards.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let runtime = world::runtime()?;
    for kind in runtime.block_on(Kind::all("http", report)) {
        for connections in CONNECTIONS {
            runtime.block_on(compare(effort, &kind, connections, report))?;
        }
    }
    Ok(())
}

async fn compare(effort: Effort, kind: &Kind, connections: usize, report: &mut Report) -> Result<()> {
    let mut contestants = [
        Contestant::bob("Bob", kind, Setup::default()).await?,
        Contestant::bob("Bob with a model", kind, Setup { model: true, ..Setup::default() }).await?,
        Contestant::rival("naive", kind, rival::Kind::Naive).await?,
        Contestant::rival("tuned", kind, rival::Kind::Tuned).await?,
    ];
    for _ in 0..effort.rounds() {
        for contestant in &mut contestants {
            contestant.measure(effort, kind, connections).await?;
        }
    }
    for contestant in &mut contestants {
        contestant.count_stored().await?;
        if let Some(world) = contestant.world.take() {
            world.stop().await?;
        }
    }
    let place = format!("{kind}, {connections} at a time");
    for Contestant { name, rate, cpu, with_database, .. } in &contestants {
        report.add("http", format!("{place}: {name}"), "req/s", rate);
        report.add("http", format!("{place}: {name}"), "µs CPU a request", cpu);
        if !with_database.is_empty() {
            report.add(
                "http",
                format!("{place}: {name}"),
                "µs CPU a request, PostgreSQL's with it",
                with_database,
            );
        }
    }
    let [bob, with_model, naive, tuned] = &contestants;
    for bob in [bob, with_model] {
        let case = |what: &str| format!("{place}: {} : {what}", bob.name);
        let mut cpu = |what: &str, bob: &Rounds, naive: &Rounds| {
            report.against(Goal::AtMost(0.85), "http", case(what), "", &bob.by(naive));
        };
        cpu("naive, CPU", &bob.cpu, &naive.cpu);
        if !bob.with_database.is_empty() {
            cpu("naive, CPU, PostgreSQL's with it", &bob.with_database, &naive.with_database);
        }
        report.against(Goal::AtLeast(0.8), "http", case("tuned, req/s"), "", &bob.rate.by(&tuned.rate));
    }
    Ok(())
}

impl Contestant {
    async fn bob(name: &'static str, kind: &Kind, setup: Setup) -> Result<Self> {
        let database = kind.make().await?;
        let storage = database.storage(Commits::Synced).await?;
        let world = World::start(storage, world::shop(TEXTS, vec![ORIGIN.parse()?])?, setup).await?;
        let address = serve(Router::new().fallback_service(world.service.clone())).await?;
        let key = world.key.clone();
        Ok(Self { world: Some(world), ..Self::new(name, address, database, key) })
    }

    async fn rival(name: &'static str, kind: &Kind, which: rival::Kind) -> Result<Self> {
        let (database, key) = (kind.make().await?, "pk_live_shop".to_owned());
        let rival = Rival::open(which, &database, &key, ORIGIN).await?;
        let address = serve(rival.app()).await?;
        Ok(Self::new(name, address, database, key))
    }

    fn new(name: &'static str, address: SocketAddr, database: Database, key: String) -> Self {
        let (rate, cpu, with_database) = Default::default();
        Self { name, address, database, key, world: None, answered: 0, rate, cpu, with_database }
    }

    async fn measure(&mut self, effort: Effort, on: &Kind, connections: usize) -> Result<()> {
        let measured = client::measure(self.address, connections, &self.key, effort.span(), on).await?;
        let Measured { answered, counted, wall, server, database } = measured;
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / counted as f64;
        self.answered += answered;
        self.rate.add(counted as f64 / wall.as_secs_f64());
        self.cpu.add(micros(server));
        if let Some(database) = database {
            self.with_database.add(micros(server + database));
        }
        Ok(())
    }

    /// Each answer means two stored messages, and there are no others.
    async fn count_stored(&self) -> Result<()> {
        let stored = match &self.world {
            Some(world) => return self.database.check_turns(world.tenant, self.answered).await,
            None => self.database.number("SELECT count(*) FROM messages").await?,
        };
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
