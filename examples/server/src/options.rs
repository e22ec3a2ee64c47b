//! What an operator may set, by flag or environment variable.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bob_storage::SqliteOptions;
use bob_tower::Network;
use clap::Args;

/// Settings of the server.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Where to listen.
    #[arg(long, env = "BOB_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The database; made when it is not there.
    #[arg(long, env = "BOB_DATABASE_URL", default_value = "sqlite://bob.db")]
    pub database_url: String,
    /// The addresses under which browsers reach this server, the canonical one first.
    ///
    /// By default this machine's own: 127.0.0.1, localhost and ::1.
    #[arg(long, env = "BOB_PUBLIC_URL", value_delimiter = ',')]
    pub public_url: Vec<String>,
    /// Networks of proxies whose Forwarded and X-Forwarded-For are believed, such as 10.0.0.0/8.
    #[arg(long, env = "BOB_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// The file with the root key; made beside a new SQLite database. By default bob.key in the database's folder.
    #[arg(long, env = "BOB_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Makes the demo shop on an empty database even if the public URLs are not this machine's.
    #[arg(long)]
    pub demo: bool,
    /// The address of the first platform person.
    #[arg(long, env = "BOB_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// Their password; by default one is made up and shown once.
    #[arg(long, env = "BOB_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// The password of the demo shop's owner; by default one is made up and shown once.
    #[arg(long, env = "BOB_CUSTOMER_PASSWORD", hide_env_values = true)]
    pub customer_password: Option<String>,
}

impl ServeOptions {
    /// The public URLs, for a server that listens on `port`.
    ///
    /// # Errors
    ///
    /// When none is given and others than this machine could connect.
    pub fn public_urls(&self, port: u16) -> Result<Vec<String>, &'static str> {
        if !self.public_url.is_empty() {
            return Ok(self.public_url.iter().map(|url| url.trim().to_owned()).collect());
        }
        if !self.listen.ip().is_loopback() {
            return Err(
                "listening beyond this machine needs BOB_PUBLIC_URL, the https address browsers will use",
            );
        }
        Ok(["127.0.0.1", "localhost", "[::1]"].iter().map(|host| format!("http://{host}:{port}")).collect())
    }
}

/// What a backup is made of, or restored to.
#[derive(Debug, Clone, Args)]
pub struct CopyOptions {
    /// The backup.
    pub file: PathBuf,
    /// The database.
    #[arg(long, env = "BOB_DATABASE_URL", default_value = "sqlite://bob.db")]
    pub database_url: String,
    /// The file with the root key, which is no part of a backup. By default bob.key in the database's folder.
    #[arg(long, env = "BOB_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

impl CopyOptions {
    /// The database's file.
    ///
    /// # Errors
    ///
    /// When the URL names none; `instead` is the program to use for PostgreSQL.
    pub fn database(&self, instead: &str) -> Result<SqliteOptions, String> {
        if ["postgres:", "postgresql:"].iter().any(|scheme| self.database_url.starts_with(scheme)) {
            return Err(format!("this command is for SQLite; for PostgreSQL use {instead}"));
        }
        self.database_url.parse().map_err(|error| format!("BOB_DATABASE_URL: {error}"))
    }

    /// Where the root key is.
    pub fn key_file(&self, database: &SqliteOptions) -> PathBuf {
        root_key_path(self.key_file.as_deref(), database)
    }
}

/// The file with the root key: the given one, or the one in the database's folder.
pub fn root_key_path(given: Option<&Path>, database: &SqliteOptions) -> PathBuf {
    given.map_or_else(|| database.path().with_file_name("bob.key"), Path::to_owned)
}
