//! How long the reference server takes to its first answer, and what it holds when nothing happens.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::report::{Goal, Report, Rounds};
use crate::{Effort, Result};

/// A server that has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts on an empty folder and again on what that left, and what it holds at rest.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let Some(program) = program() else {
        report.skip("start", "bob-server is not built; cargo build --release -p bob-server");
        return Ok(());
    };
    let (mut first, mut second, mut held) = (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..effort.rounds() {
        let folder = tempfile::tempdir()?;
        let server = Server::start(&program, folder.path())?;
        first.add(server.answered_after.as_secs_f64() * 1e3);
        drop(server);
        let server = Server::start(&program, folder.path())?;
        second.add(server.answered_after.as_secs_f64() * 1e3);
        std::thread::sleep(effort.pick(Duration::from_secs(3), Duration::ZERO));
        held.add(server.resident()? as f64 / 1e6);
    }
    report.add("start", "to the first answer, empty folder", "ms", &first);
    report.against(Goal::AtMost(150.0), "start", "to the first answer, second start", "ms", &second);
    report.against(Goal::AtMost(25.0), "start", "resident memory at rest", "MB", &held);
    Ok(())
}

/// The server that was built with this program.
fn program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("bob-server");
    program.is_file().then_some(program)
}

/// A server that answers; it is killed when it is dropped.
struct Server {
    child: Child,
    answered_after: Duration,
}

impl Server {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let started = Instant::now();
        let child = Command::new(program)
            .current_dir(folder)
            .env_clear()
            .args(["--listen", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // Owned from here on, so that it is killed whatever happens.
        let mut server = Self { child, answered_after: Duration::ZERO };
        while !is_healthy(address) {
            if server.child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
                return Err("bob-server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.answered_after = started.elapsed();
        Ok(server)
    }

    /// Bytes of memory that are its own or shared and in use.
    fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")).ok_or("no VmRSS")?;
        Ok(kib.trim().parse::<u64>()? * 1_024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that was free a moment ago.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn is_healthy(address: SocketAddr) -> bool {
    let answer = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /api/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status)
    };
    answer().is_ok_and(|status| status == *b"HTTP/1.1 200")
}
