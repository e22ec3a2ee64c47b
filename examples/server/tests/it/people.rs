//! Letting people in from the operator's shell: the first start, and `admin reset`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The server's program in `folder`, with nothing of this environment but what is given.
fn bob_server(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-server"));
    command.args(arguments).current_dir(folder).env_clear().envs(environment.iter().copied());
    command
}

/// Runs it to its end; whether it succeeded and what it said.
fn run(mut command: Command) -> (bool, String) {
    let run = command.output().unwrap();
    (run.status.success(), String::from_utf8([run.stdout, run.stderr].concat()).unwrap())
}

/// Starts a server that lets somebody in by a link; the process, and the lines that it greets with.
fn start(folder: &Path, environment: &[(&str, &str)]) -> (Child, Vec<String>) {
    let mut command = bob_server(folder, &["--listen", "127.0.0.1:0"], environment);
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The greeting ends with the link.
    let mut told = Vec::new();
    for line in lines {
        let is_last = line.contains("#token=");
        told.push(line);
        if is_last {
            break;
        }
    }
    (server, told)
}

#[test]
fn the_first_administrator_gets_a_link_and_another_one_beside_the_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let environment = [("BOB_PUBLIC_URL", "https://bob.example"), ("BOB_ADMIN_EMAIL", "nora@bob.example")];
    let (mut server, told) = start(folder, &environment);
    let reset = run(bob_server(folder, &["admin", "reset", "nora@bob.example"], &environment));
    let nobody = run(bob_server(folder, &["admin", "reset", "nobody@bob.example"], &environment));
    server.kill().unwrap();
    server.wait().unwrap();

    let link = told.last().unwrap().trim();
    assert!(
        link.starts_with("https://bob.example/account/set-password#token=bi_aaaaaaaaaaaaaaaaaaaaaaaaaa_"),
        "{link}"
    );
    assert!(!told.iter().any(|line| line.contains("password: ")), "{told:?}");
    let (done, said) = reset;
    assert!(done && said.contains("https://bob.example/account/set-password#token=bp_"), "{said}");
    let (done, said) = nobody;
    assert!(!done && said.contains("nobody has that address"), "{said}");
}

#[test]
fn a_weak_password_of_the_environment_stops_the_start_with_a_sentence() {
    for (variable, password, why) in [
        ("BOB_ADMIN_PASSWORD", "sunshine1", "one of the commonest"),
        ("BOB_ADMIN_PASSWORD", "short", "at least 8 characters"),
        ("BOB_CUSTOMER_PASSWORD", "customer@business.com", "neither its owner's address"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let start = bob_server(folder.path(), &["--listen", "127.0.0.1:0"], &[(variable, password)]);
        let (started, said) = run(start);
        assert!(!started && said.contains(&format!("{variable} is not good enough: ")), "{said}");
        assert!(said.contains(why) && !said.contains(password), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let beyond = [("BOB_PUBLIC_URL", "https://bob.example")];
    let (started, said) = run(bob_server(folder.path(), &["--listen", "127.0.0.1:0"], &beyond));
    assert!(!started && said.contains("BOB_ADMIN_EMAIL"), "{said}");
}
