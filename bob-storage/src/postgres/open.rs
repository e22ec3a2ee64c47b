//! Options and connections.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::pool::Pool;
use crate::error::ParseOptionsError;

/// What an address must be.
const EXPECTED: &str =
    "write postgres://user:password@host/database, with sslmode and other parameters of libpq behind a ?";

/// The parameters of an address that mean something here.
const PARAMETERS: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "application_name",
    "options",
];

/// How a PostgreSQL database is opened.
///
/// ```
/// use std::time::Duration;
///
/// use bob_storage::PostgresOptions;
///
/// let options: PostgresOptions = "postgres://bob@db.example/bob?sslmode=verify-full".parse()?;
/// let options = options.connections(16).statement_timeout(Duration::from_secs(5));
/// # Ok::<(), bob_storage::ParseOptionsError>(())
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    connect: PgConnectOptions,
    connections: usize,
    connect_timeout: Duration,
    statement_timeout: Duration,
    lock_timeout: Duration,
    pub(super) queue: usize,
    pub(super) time_from_acts: bool,
    pub(super) existing: bool,
}

impl PostgresOptions {
    /// How many connections read, and change what no turn does, at a time, at least one; 8. Turns have connections of
    /// their own besides, and changes are listened to on one more.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How long to wait for a connection; 5 seconds.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a statement may take; 5 seconds.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How long a statement may wait for another transaction; 4 seconds. Turns wait for 2 seconds at most, because others
    /// are written with them.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How many turns may wait to be opened, and as many to be closed, at least one; 1,024. One that finds the queue full
    /// is refused at once.
    #[must_use]
    pub fn queue(mut self, turns: usize) -> Self {
        self.queue = turns.max(1);
        self
    }

    /// Opens only a database that Bob has made before; nothing is made, and without one the error is
    /// [`OpenErrorKind::Missing`](crate::OpenErrorKind::Missing).
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// Counts leases by the time of acts and not by the database's clock: for tests, which move their own. With it, nodes
    /// whose clocks differ may take each other's turns.
    #[must_use]
    pub fn time_from_acts(mut self) -> Self {
        self.time_from_acts = true;
        self
    }

    /// Connections that read, and change what no turn does.
    pub(super) fn pool(&self) -> Pool {
        self.pool_of(self.connect.clone(), self.connections, self.lock_timeout)
    }

    /// Connections of the queues of turns. All that a turn does goes by key, but the planner would read a table whole that
    /// is small when a function is first called, and go on to when it has grown.
    pub(super) fn pool_of_lanes(&self, lanes: usize) -> Pool {
        let by_key = self.connect.clone().options([("enable_seqscan", "off")]);
        self.pool_of(by_key, lanes, self.lock_timeout.min(Duration::from_secs(2)))
    }

    fn pool_of(&self, connect: PgConnectOptions, connections: usize, lock_timeout: Duration) -> Pool {
        let millis = |timeout: Duration| format!("{}ms", timeout.as_millis().max(1));
        let connect = connect.options([
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(lock_timeout)),
            ("idle_in_transaction_session_timeout", millis(self.statement_timeout * 2)),
            ("default_transaction_isolation", "read committed".to_owned()),
        ]);
        // The server should give up first, and say why.
        let answer = self.statement_timeout + Duration::from_secs(1);
        Pool::new(connect, connections, self.connect_timeout, answer)
    }

    /// What a listener connects with.
    pub(super) fn listening(&self) -> PgConnectOptions {
        self.connect.clone()
    }
}

impl FromStr for PostgresOptions {
    type Err = ParseOptionsError;

    /// Reads `postgres://` or `postgresql://`, host and database, and parameters of libpq such as `sslmode` and
    /// `sslrootcert`.
    ///
    /// What an address leaves open is taken from where every PostgreSQL client takes it: libpq's environment variables
    /// and password file. Without `sslmode` the connection is encrypted if the server can, and the server is not
    /// checked; over any network that is not your own, write `verify-full`.
    fn from_str(url: &str) -> Result<Self, ParseOptionsError> {
        let refused = || ParseOptionsError::expected(EXPECTED);
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let (place, parameters) =
            rest.ok_or_else(refused)?.split_once('?').unwrap_or((rest.unwrap_or(""), ""));
        let mut named = parameters.split('&').filter(|parameter| !parameter.is_empty());
        let known = named
            .all(|parameter| parameter.split_once('=').is_some_and(|(name, _)| PARAMETERS.contains(&name)));
        if !known || place.is_empty() && parameters.is_empty() {
            return Err(refused());
        }
        let connect = PgConnectOptions::from_str(url).map_err(|_| refused())?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("bob"),
        };
        Ok(Self {
            connect: connect.statement_cache_capacity(256).disable_statement_logging(),
            connections: 8,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(4),
            queue: 1_024,
            time_from_acts: false,
            existing: false,
        })
    }
}

impl fmt::Debug for PostgresOptions {
    /// The address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("queue", &self.queue)
            .field("time_from_acts", &self.time_from_acts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_database() {
        for url in [
            "postgres://bob:secret@db.example:5433/bob",
            "postgresql://db.example/bob?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgres://bob@localhost/bob?host=/run/postgresql",
            "postgres:///bob?user=bob&host=/run/postgresql",
        ] {
            assert!(url.parse::<PostgresOptions>().is_ok(), "{url}");
        }
    }

    #[test]
    fn what_names_no_database_is_refused_and_not_repeated() {
        for url in [
            "",
            "postgres://",
            "postgres:bob",
            "mysql://bob@localhost/bob",
            "sqlite://bob.db",
            "postgres://bob:secret@localhost/bob?sslmode=never",
            "postgres://bob:secret@localhost/bob?ssl_mode=require",
            "postgres://bob:secret@localhost:port/bob",
        ] {
            let error = url.parse::<PostgresOptions>().unwrap_err();
            assert!(!error.to_string().contains("secret"), "{url}");
        }
    }

    #[test]
    fn options_do_not_print_the_address() {
        let options: PostgresOptions = "postgres://bob:secret@db.example/bob".parse().unwrap();
        let shown = format!("{options:?}");
        assert!(!shown.contains("secret") && !shown.contains("db.example"), "{shown}");
    }
}
