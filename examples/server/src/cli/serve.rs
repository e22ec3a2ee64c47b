//! `bob-server serve`

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use bob_core::Bob;
use bob_tower::{BobService, Mount};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::database::Database;
use crate::first_start::{self, Greeting};
use crate::options::ServeOptions;
use crate::{connections, mail, site};

/// How long open turns and streams may take after the signal to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the database may take to be closed.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Answers visitors until SIGTERM or SIGINT.
pub async fn serve(options: ServeOptions) -> Result<(), Box<dyn Error>> {
    let listener =
        TcpListener::bind(options.listen).await.map_err(|error| Failed::listen(&options, error))?;
    let urls = options.public_urls(listener.local_addr()?.port())?;
    let mount = Mount::at(urls.iter().map(String::as_str))?.trusting(options.trusted_proxies.iter().copied());

    let database = Database::named(&options.database)?.open(&options.database).await?;
    let mut builder = Bob::build(database.storage());
    if let Some(mailer) = mail::mailer(&options.mail, mount.is_loopback())? {
        builder = builder.mailer(mailer);
    }
    let bob = builder.build().await?;
    let (mount, greeting) = first_start::prepare(&bob, &options, mount).await?;
    let running = bob.start()?;
    let app = site::pages(&bob, greeting.demo).fallback_service(BobService::new(bob.clone(), mount));
    greet(&greeting, &urls[0])?;

    let mut terminate = signal(SignalKind::terminate())?;
    let stopped = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: no new turns, open ones finish");
    };
    let (told, stopping) = tokio::sync::oneshot::channel();
    let stopped = async move {
        stopped.await;
        let _ = told.send(());
    };
    let drained = async move {
        match stopping.await {
            Ok(()) => running.drain(PATIENCE).await,
            Err(_) => true,
        }
    };
    let ((), drained) = tokio::join!(connections::serve(listener, app, stopped, PATIENCE), drained);
    if !drained {
        tracing::warn!("turns were still open at the deadline");
    }
    drop(bob);
    // What was acknowledged is stored; a database that does not answer is not waited for.
    if tokio::time::timeout(LAST_WORDS, database.close()).await.is_err() {
        tracing::warn!("the database did not answer when it was closed");
    }
    Ok(())
}

/// Says where to look.
fn greet(greeting: &Greeting, canonical: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let url = canonical.trim_end_matches('/');
    writeln!(out, "Bob {} is ready.", env!("CARGO_PKG_VERSION"))?;
    if greeting.demo {
        writeln!(out, "  Demo shop    {url}/")?;
    }
    writeln!(out, "  Health       {url}/api/health")?;
    for (email, what, password) in &greeting.people {
        writeln!(out, "  {what:<12} {email}  password: {password}  (shown once)")?;
    }
    if let Some((email, link)) = &greeting.link {
        writeln!(out, "  Admin        {email}  chooses a password here, once, within 7 days:")?;
        writeln!(out, "               {}", link.expose())?;
    }
    out.flush()
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0} cannot be listened on")]
    Listen(String, #[source] std::io::Error),
}

impl Failed {
    fn listen(options: &ServeOptions, error: std::io::Error) -> Self {
        Self::Listen(options.listen.to_string(), error)
    }
}
