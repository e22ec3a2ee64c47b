//! A PostgreSQL for these tests, and a database for each of them.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::keyring;
use bob_storage::{PostgresOptions, PostgresStorage};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

/// A server that is there as long as the process holds on to it.
struct Server {
    /// The address of its maintenance database, for a role that may make databases and is no superuser.
    address: String,
    /// Somebody else's: what is made there must be removed.
    borrowed: bool,
    _in_use: Option<File>,
}

/// The server of `BOB_TEST_DATABASE_URL`, or else a private one that all test processes share.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("BOB_TEST_DATABASE_URL") {
        Ok(address) => Server { address, borrowed: true, _in_use: None },
        Err(_) => private(),
    })
}

fn private() -> Server {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hasher = DefaultHasher::new();
    manifest.hash(&mut hasher);
    let folder = std::env::temp_dir().join(format!("bob-postgres-{:016x}", hasher.finish()));
    std::fs::create_dir_all(&folder).unwrap();
    let in_use = File::create(folder.join("in-use")).unwrap();
    in_use.lock_shared().unwrap();
    let started = Command::new(manifest.join("../tests/postgres/cluster.sh")).arg(&folder).output().unwrap();
    assert!(
        started.status.success(),
        "these tests need PostgreSQL: install its server (Debian: postgresql), or name one in BOB_TEST_DATABASE_URL by a \
         role that may make databases and is no superuser, or leave them out: cargo test -- --skip postgres: {}",
        String::from_utf8_lossy(&started.stderr)
    );
    let address = String::from_utf8(started.stdout).unwrap().trim().to_owned();
    Server { address, borrowed: false, _in_use: Some(in_use) }
}

/// A database of one test.
pub struct Database {
    name: String,
}

impl Database {
    /// One with tables of this version in it.
    pub async fn new() -> Self {
        let template = template().await;
        Self::made("TEMPLATE", &template).await
    }

    /// One without any tables.
    pub async fn empty() -> Self {
        Self::made("TEMPLATE", "template1").await
    }

    async fn made(how: &str, template: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bob_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect(&server().address).await;
        run(&mut admin, format!("DROP DATABASE IF EXISTS {name}")).await;
        run(&mut admin, format!("CREATE DATABASE {name} {how} {template}")).await;
        Self { name }
    }

    pub fn options(&self) -> PostgresOptions {
        address_of(&self.name).parse::<PostgresOptions>().unwrap().time_from_acts()
    }

    pub async fn open(&self) -> PostgresStorage {
        self.open_with(|options| options).await
    }

    pub async fn open_with(
        &self,
        change: impl FnOnce(PostgresOptions) -> PostgresOptions,
    ) -> PostgresStorage {
        PostgresStorage::open(change(self.options()), keyring()).await.unwrap()
    }

    /// As [`open`](Self::open), with one more parameter in the address.
    pub async fn open_by(&self, parameter: &str) -> PostgresStorage {
        let options = format!("{}&{parameter}", self.address()).parse::<PostgresOptions>().unwrap();
        PostgresStorage::open(options.time_from_acts(), keyring()).await.unwrap()
    }

    /// Opens it as the superuser, where that is ours to be.
    pub async fn open_as_superuser(&self) -> Option<PostgresStorage> {
        if server().borrowed {
            return None;
        }
        let address = self.address().replace("//bob@", "//postgres@");
        Some(PostgresStorage::open(address.parse().unwrap(), keyring()).await.unwrap())
    }

    pub fn address(&self) -> String {
        address_of(&self.name)
    }

    /// A connection of somebody else to the same database, as the same role.
    pub async fn beside(&self) -> PgConnection {
        connect(&address_of(&self.name)).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !server().borrowed {
            return;
        }
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The test's own runtime may be gone.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { run(&mut connect(&server().address).await, drop).await });
        });
        let _ = dropped.join();
    }
}

/// The name of a database that was opened once and is copied since: copying is faster than migrating.
async fn template() -> String {
    let mut hasher = DefaultHasher::new();
    for file in ["migrations/postgres", "src/postgres/turn"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "sql")) {
            std::fs::read(file).unwrap().hash(&mut hasher);
        }
    }
    let name = format!("bob_template_{:016x}", hasher.finish());
    let mut admin = connect(&server().address).await;
    run(&mut admin, "SELECT pg_advisory_lock(7)".to_owned()).await;
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    if !known {
        let draft = Database { name: format!("{name}_draft") };
        run(&mut admin, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", draft.name)).await;
        run(&mut admin, format!("CREATE DATABASE {}", draft.name)).await;
        draft.open().await.close().await;
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
        while sqlx::query_scalar::<_, i64>(others).bind(&draft.name).fetch_one(&mut admin).await.unwrap() > 0
        {
            tokio::task::yield_now().await;
        }
        run(&mut admin, format!("ALTER DATABASE {} RENAME TO {name}", draft.name)).await;
    }
    admin.close().await.unwrap();
    name
}

/// The address of another database on the server.
fn address_of(database: &str) -> String {
    let address = &server().address;
    let (place, parameters) = address.split_once('?').unwrap_or((address, ""));
    let (host, _) = place.rsplit_once('/').unwrap();
    format!("{host}/{database}?{parameters}")
}

async fn connect(address: &str) -> PgConnection {
    let options: sqlx::postgres::PgConnectOptions = address.parse().unwrap();
    options.connect().await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: String) {
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
}
