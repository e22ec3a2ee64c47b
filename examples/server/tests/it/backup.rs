//! The commands `backup` and `restore`, as an operator runs them.

use std::fs;
use std::path::Path;
use std::process::Command;

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
    let (made, said) = bob_server(folder.path(), &["keys", "rewrap"]);
    assert!(made, "{said}");
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
