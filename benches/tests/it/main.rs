//! Each bench works; what it finds is not looked at.

use std::process::Command;

#[track_caller]
fn check(bench: &str) {
    let run = Command::new(env!("CARGO_BIN_EXE_bob-benches")).args(["--quick", bench]).output();
    let run = run.expect("the bench was built");
    let (table, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{errors}");
    assert!(table.lines().count() > 2, "{table}");
    assert!(table.lines().skip(2).all(|row| row.starts_with(&format!("| {bench} |"))), "{table}");
}

#[test]
fn origins_are_decided() {
    check("cors");
}

#[test]
fn turns_are_taken() {
    check("turn");
}

#[test]
fn bob_and_the_handlers_written_by_hand_store_every_answer() {
    check("http");
}

#[test]
fn content_is_sealed() {
    check("seal");
}

#[test]
fn commits_are_synced_or_not() {
    check("durability");
}

#[test]
fn bob_and_turns_by_hand_store_the_same() {
    check("lone");
}

#[test]
fn turns_are_taken_among_many_and_in_long_conversations() {
    check("growth");
}

#[test]
fn passages_are_found() {
    check("retrieve");
}

#[test]
fn sign_ins_are_refused() {
    check("login");
}

#[test]
fn the_server_starts_if_it_is_built() {
    check("start");
}

#[test]
fn a_bench_that_is_not_there_is_named() {
    let run = Command::new(env!("CARGO_BIN_EXE_bob-benches")).arg("nothing").output().unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("there is no bench nothing"));
}
