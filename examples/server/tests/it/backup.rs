//! The commands `backup` and `restore`, as an operator runs them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the server's program in `folder`, with nothing of this environment; answers whether it succeeded and what it said.
fn bob_server(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bob-server"));
    let run = command.args(arguments).current_dir(folder).env_clear().output().unwrap();
    let said = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(said).unwrap())
}

/// A folder with a database and its keys, of a server that does not run.
fn stopped_server() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_bob-server"))
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(server.stdout.take().unwrap()).lines();
    let ready = told.any(|line| line.unwrap().ends_with("is ready."));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(ready);
    folder
}

#[test]
fn a_database_is_backed_up_and_restored_and_the_key_is_thought_of() {
    let folder = stopped_server();
    let folder = folder.path();

    let (done, said) = bob_server(folder, &["backup", "monday.db"]);
    assert!(done, "{said}");
    assert!(
        said.contains("bob.db is backed up in monday.db") && said.contains("keys in bob.key are not in it"),
        "{said}"
    );

    let elsewhere = ["restore", "monday.db", "--database-url", "sqlite://new/bob.db"];
    fs::create_dir(folder.join("new")).unwrap();
    let (done, said) = bob_server(folder, &elsewhere);
    assert!(done, "{said}");
    assert!(said.contains("the keys of the time of the backup must be in new/bob.key"), "{said}");
    fs::copy(folder.join("bob.key"), folder.join("new/bob.key")).unwrap();
    let (opens, said) = bob_server(folder, &["keys", "rewrap", "--database-url", "sqlite://new/bob.db"]);
    assert!(opens, "{said}");
}

#[test]
fn what_cannot_be_done_is_told_in_a_sentence_and_changes_nothing() {
    let folder = stopped_server();
    let folder = folder.path();
    fs::write(folder.join("text"), "Not a database. ".repeat(1_000)).unwrap();
    let before = fs::read(folder.join("bob.db")).unwrap();
    for (arguments, sentence) in [
        (&["backup", "text"][..], "nothing is overwritten"),
        (&["backup", "no/folder"], "a file cannot be read or written"),
        (&["backup", "b", "--database-url", "sqlite://missing.db"], "a file cannot be read or written"),
        (&["backup", "b", "--database-url", "postgres://db/bob"], "for PostgreSQL use pg_dump"),
        (&["backup", "b", "--database-url", "bob.db"], "begins with sqlite://"),
        (&["--database-url", "sqlite://bob.db", "backup", "b"], "cannot be used with"),
        (&["restore", "text", "--database-url", "sqlite://new.db"], "the file is not one of Bob's databases"),
        (&["restore", "missing", "--database-url", "sqlite://new.db"], "a file cannot be read or written"),
        (&["restore", "b", "--database-url", "postgresql://db/bob"], "for PostgreSQL use pg_restore"),
        (&["restore", "text"], "nothing is overwritten"),
    ] {
        let (done, said) = bob_server(folder, arguments);
        assert!(!done && said.contains(sentence), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read(folder.join("bob.db")).unwrap(), before);
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names.retain(|name| !["bob.db-shm", "bob.db-wal"].iter().any(|beside| name == beside));
    assert_eq!(names, ["bob.db", "bob.key", "text"]);
}

#[test]
fn keys_are_changed_only_where_there_is_a_database() {
    let folder = stopped_server();
    let folder = folder.path();
    let (added, said) = bob_server(folder, &["keys", "add"]);
    assert!(added, "{said}");
    let before = fs::read(folder.join("bob.key")).unwrap();
    for arguments in [
        &["keys", "forget", "--database-url", "sqlite://other.db", "--key-file", "bob.key"][..],
        &["keys", "rewrap", "--database-url", "sqlite://other.db", "--key-file", "bob.key"],
    ] {
        let (done, said) = bob_server(folder, arguments);
        assert!(!done && said.contains("there is no database of Bob's"), "{said}");
    }
    assert_eq!(fs::read(folder.join("bob.key")).unwrap(), before);
    assert!(!folder.join("other.db").exists());

    let (done, said) = bob_server(folder, &["keys", "forget"]);
    assert!(done && said.contains("1 earlier keys are forgotten"), "{said}");
}
