//! A PostgreSQL to measure on, and a database in it for each of those who are compared.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bob_core::id::TenantId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::Result;
use crate::clock::{family_cpu, parent_of};

/// A server that is there as long as somebody holds on to it.
#[derive(Debug)]
pub struct Server {
    /// The address of its maintenance database, for a role that may make databases and is no superuser.
    address: String,
    /// The server's first process, if it runs on this machine.
    postmaster: Option<u32>,
    /// Tells a private server that it is needed.
    _in_use: Option<File>,
}

impl Server {
    /// The server of `BOB_BENCH_DATABASE_URL`, or else a private one; an error without either.
    pub async fn find() -> Result<Arc<Self>> {
        let (address, in_use) = match std::env::var("BOB_BENCH_DATABASE_URL") {
            Ok(address) => (address, None),
            Err(_) => private().map(|(address, in_use)| (address, Some(in_use)))?,
        };
        let mut connection = connect(&address).await?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
        let postmaster = parent_of(backend.cast_unsigned(), "postgres");
        connection.close().await?;
        Ok(Arc::new(Self { address, postmaster, _in_use: in_use }))
    }

    /// How long all its processes have worked so far; none when it runs elsewhere.
    pub fn cpu(&self) -> Result<Option<Duration>> {
        self.postmaster.map(family_cpu).transpose()
    }

    /// An empty database.
    pub async fn database(self: &Arc<Self>) -> Result<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bob_bench_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect(&self.address).await?;
        run(&mut admin, format!("CREATE DATABASE {name}")).await?;
        admin.close().await?;
        Ok(Database { server: Arc::clone(self), name })
    }
}

/// Started by the script that tests start theirs with; it ends some seconds after the last process that holds the file.
fn private() -> Result<(String, File)> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hasher = DefaultHasher::new();
    manifest.hash(&mut hasher);
    let folder = std::env::temp_dir().join(format!("bob-bench-postgres-{:016x}", hasher.finish()));
    std::fs::create_dir_all(&folder)?;
    let in_use = File::create(folder.join("in-use"))?;
    in_use.lock_shared()?;
    let started = Command::new(manifest.join("../tests/postgres/cluster.sh")).arg(&folder).output()?;
    if !started.status.success() {
        let why = String::from_utf8_lossy(&started.stderr);
        return Err(why.lines().last().unwrap_or("a private PostgreSQL did not start").into());
    }
    Ok((String::from_utf8(started.stdout)?.trim().to_owned(), in_use))
}

/// A database that is dropped with this.
#[derive(Debug)]
pub struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    /// Its address.
    pub fn address(&self) -> String {
        let (place, parameters) = self.server.address.split_once('?').unwrap_or((&self.server.address, ""));
        let host = place.rsplit_once('/').map_or(place, |(host, _)| host);
        format!("{host}/{}?{parameters}", self.name)
    }

    /// A connection of somebody else to it, as the same role.
    pub async fn connect(&self) -> Result<PgConnection> {
        connect(&self.address()).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (address, drop) =
            (self.server.address.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // The runtime it was made on may be gone, or be the one that drops it.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { run(&mut connect(&address).await?, drop).await })
        });
        let _ = dropped.join();
    }
}

/// Lets a connection see the rows of a tenant from now on.
pub async fn see(connection: &mut PgConnection, tenant: TenantId) -> Result<()> {
    let tenant = tenant.as_uuid().to_string();
    sqlx::query("SELECT set_config('bob.tenant', $1, false)").bind(tenant).execute(connection).await?;
    Ok(())
}

async fn connect(address: &str) -> Result<PgConnection> {
    Ok(address.parse::<PgConnectOptions>()?.connect().await?)
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<()> {
    connection.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}
