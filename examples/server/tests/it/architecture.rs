//! The rules of ARCHITECTURE.md, held: directions of dependencies, and what each crate must never contain.
//!
//! A scanner reads lines of code, not Rust, so its rules are plain words; `every_scanned_rule_can_be_broken` shows that
//! each of them finds something.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The crates that other people's programs contain.
const LIBRARIES: [&str; 3] = ["bob-core", "bob-tower", "bob-storage"];

/// The rooms of bob-tower that give answers, and so may say which status one has.
const ANSWERING_ROOMS: [&str; 22] = [
    "problem",
    "wire",
    "door",
    "audit",
    "auth",
    "credits",
    "embed",
    "etag",
    "health",
    "cors",
    "request",
    "inbox",
    "knowledge",
    "onboarding",
    "people",
    "personas",
    "tenants",
    "widget_keys",
    "widget_settings",
    "openapi",
    "portal",
    "visitor_identity",
];

/// What may be shared by everything in a process: file and name.
const KNOWN_STATICS: [(&str, &str); 1] = [
    // That a warning was logged.
    ("bob-tower/src/dispatch.rs", "WARNED"),
];

/// Types through which a `static` can change after it was made.
const CHANGING: [&str; 8] =
    ["Mutex", "RwLock", "Atomic", "Cell<", "OnceLock", "OnceCell", "Notify", "Semaphore"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

// ---------------------------------------------------------------------------------------------- who depends on whom

/// The members of the workspace, as cargo tells them.
fn members() -> Vec<Value> {
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["packages"].as_array().unwrap().clone()
}

/// What a member depends on outside of its tests.
fn dependencies(members: &[Value], of: &str) -> Vec<String> {
    let member = members.iter().find(|member| member["name"] == of).unwrap_or_else(|| panic!("no {of}"));
    let all = member["dependencies"].as_array().unwrap().iter();
    all.filter(|one| one["kind"] != "dev").map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// Holds that a crate depends on these members and no others, and on none of the `never`.
#[track_caller]
fn check_dependencies(of: &str, on: &[&str], never: &[&str]) {
    let members = members();
    let dependencies = dependencies(&members, of);
    let is_member = |name: &String| members.iter().any(|member| member["name"] == name.as_str());
    let of_workspace: Vec<&String> = dependencies.iter().filter(|name| is_member(name)).collect();
    assert_eq!(of_workspace, on, "the members that {of} depends on");
    for never in never {
        assert!(!dependencies.iter().any(|name| name == never), "{of} must not depend on {never}");
    }
}

#[test]
fn the_core_depends_on_nobody_and_knows_no_carrier() {
    let never = [
        "axum",
        "warp",
        "hyper",
        "hyper-util",
        "http",
        "http-body",
        "http-body-util",
        "tower",
        "tower-http",
        "tower-layer",
        "tower-service",
        "matchit",
        "reqwest",
        "sqlx",
        "rusqlite",
        "wasmtime",
    ];
    check_dependencies("bob-core", &[], &never);
}

#[test]
fn the_services_know_the_core_only_and_neither_a_framework_nor_a_database() {
    let never = ["axum", "warp", "hyper", "hyper-util", "tower", "sqlx", "rusqlite", "wasmtime", "reqwest"];
    check_dependencies("bob-tower", &["bob-core"], &never);
}

#[test]
fn the_storage_knows_the_core_only_and_no_http() {
    let never = [
        "axum",
        "warp",
        "hyper",
        "hyper-util",
        "http",
        "http-body",
        "tower",
        "tower-layer",
        "tower-service",
        "matchit",
        "wasmtime",
        "reqwest",
    ];
    check_dependencies("bob-storage", &["bob-core"], &never);
}

#[test]
fn every_member_takes_the_workspaces_lints_and_none_allows_unsafe_code() {
    for member in members() {
        let manifest = fs::read_to_string(member["manifest_path"].as_str().unwrap()).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let taken = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(taken.and_then(toml::Value::as_bool), Some(true), "{}", member["name"]);
    }
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
}

// ------------------------------------------------------------------------------------------- what stands in sources

/// A line of code: not a comment, without one behind it, and no part of a test.
struct Line {
    path: String,
    number: usize,
    code: String,
}

/// What a crate's sources say, their tests left out.
fn sources(of: &str) -> Vec<Line> {
    let files = files_below(&root().join(of).join("src"));
    let of_tests: Vec<PathBuf> =
        files.iter().flat_map(|(path, text)| test_modules(path, text).collect::<Vec<_>>()).collect();
    let mut lines = Vec::new();
    for (path, text) in &files {
        if of_tests.iter().any(|module| path.starts_with(module) || *path == module.with_extension("rs")) {
            continue;
        }
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        lines.extend(lines_of(&name, text));
    }
    assert!(lines.len() > 100, "{of} has no sources");
    lines
}

fn files_below(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
    files
}

/// The modules that a file declares for tests only, as paths without an ending.
fn test_modules<'a>(path: &'a Path, text: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    let name = path.file_stem().unwrap_or_default();
    let is_root = name == "mod" || name == "lib" || name == "main";
    let folder = if is_root { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let module = rest.trim_start().lines().next()?.strip_prefix("mod ")?;
        module.strip_suffix(';')
    });
    declared.map(move |module| folder.join(module))
}

/// The lines of code of a file, up to the tests at its end.
fn lines_of(path: &str, text: &str) -> Vec<Line> {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.map(|(at, line)| Line {
        path: path.to_owned(),
        number: at + 1,
        code: line.split(" // ").next().unwrap_or_default().to_owned(),
    })
    .collect()
}

/// Whether `word` stands in the line by itself, not as a part of a longer name.
fn has_word(line: &Line, word: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.code.match_indices(word).any(|(at, _)| {
        let before = line.code[..at].chars().next_back();
        let after = line.code[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

fn reads_the_environment(line: &Line) -> bool {
    line.code.contains("std::env")
        || ["var", "vars", "args"].iter().any(|f| line.code.contains(&format!("env::{f}")))
}

fn prints(line: &Line) -> bool {
    ["println", "print", "eprintln", "eprint", "dbg"]
        .iter()
        .any(|name| has_word(line, name) && line.code.contains(&format!("{name}!")))
}

fn is_unsafe(line: &Line) -> bool {
    has_word(line, "unsafe")
}

fn trusts_sql(line: &Line) -> bool {
    has_word(line, "AssertSqlSafe")
}

fn knows_http(line: &Line) -> bool {
    has_word(line, "StatusCode") || line.code.contains("http::")
}

fn names_a_status(line: &Line) -> bool {
    has_word(line, "StatusCode")
        && !ANSWERING_ROOMS.iter().any(|room| {
            line.path == format!("bob-tower/src/{room}.rs")
                || line.path.starts_with(&format!("bob-tower/src/{room}/"))
        })
}

fn is_shared_and_changes(line: &Line) -> bool {
    let code = line.code.trim_start();
    if code.starts_with("thread_local!") {
        return true;
    }
    let Some((before, declared)) = code.split_once("static ") else { return false };
    let before = before.trim_end();
    if !(before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'))) {
        return false;
    }
    let (name, kind) = declared.split_once(':').unwrap_or((declared, ""));
    let changes = name.starts_with("mut ") || CHANGING.iter().any(|changing| kind.contains(changing));
    changes && !KNOWN_STATICS.contains(&(line.path.as_str(), name))
}

/// Holds that no line of a crate's sources breaks a rule.
#[track_caller]
fn check_sources(of: &str, breaks: fn(&Line) -> bool) {
    let broken: Vec<String> = sources(of)
        .iter()
        .filter(|line| breaks(line))
        .map(|line| format!("{}:{}: {}", line.path, line.number, line.code.trim()))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_library_reads_the_environment() {
    LIBRARIES.iter().for_each(|library| check_sources(library, reads_the_environment));
}

#[test]
fn no_library_prints() {
    LIBRARIES.iter().for_each(|library| check_sources(library, prints));
}

#[test]
fn no_library_has_unsafe_code() {
    LIBRARIES.iter().for_each(|library| check_sources(library, is_unsafe));
}

#[test]
fn nothing_that_changes_is_shared_by_a_process_but_what_is_named_here() {
    LIBRARIES.iter().for_each(|library| check_sources(library, is_shared_and_changes));
}

#[test]
fn only_the_services_know_http_and_only_their_answering_rooms_name_a_status() {
    check_sources("bob-core", knows_http);
    check_sources("bob-storage", knows_http);
    check_sources("bob-tower", names_a_status);
}

#[test]
fn sql_that_is_not_a_literal_stands_in_one_file_of_each_database_and_in_the_list_of_what_is_deleted() {
    check_sources("bob-core", trusts_sql);
    check_sources("bob-tower", trusts_sql);
    let mut files: Vec<String> =
        sources("bob-storage").into_iter().filter(trusts_sql).map(|line| line.path).collect();
    files.sort();
    files.dedup();
    let known = ["src/erase.rs", "src/postgres/functions.rs", "src/sqlite/open.rs"];
    assert_eq!(files, known.map(|file| format!("bob-storage/{file}")));
}

#[test]
fn every_scanned_rule_can_be_broken() {
    let breaks = |rule: fn(&Line) -> bool, path: &str, code: &str| lines_of(path, code).iter().any(rule);
    let here = "bob-tower/src/mount.rs";
    assert!(breaks(reads_the_environment, here, "let home = std::env::var(\"HOME\");"));
    assert!(breaks(reads_the_environment, here, "let home = env::var_os(\"HOME\");"));
    assert!(!breaks(reads_the_environment, here, "version: env!(\"CARGO_PKG_VERSION\"),"));
    assert!(breaks(prints, here, "    println!(\"hello\");"));
    assert!(!breaks(prints, here, "// println!(\"hello\");"));
    assert!(!breaks(prints, here, "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() { println!(); }\n}"));
    assert!(breaks(is_unsafe, here, "let it = unsafe { *pointer };"));
    assert!(!breaks(is_unsafe, here, "fn is_unsafe_method() {}"));
    assert!(breaks(is_shared_and_changes, here, "static COUNT: AtomicU64 = AtomicU64::new(0);"));
    assert!(breaks(is_shared_and_changes, here, "pub(crate) static mut COUNT: u64 = 0;"));
    assert!(breaks(is_shared_and_changes, here, "thread_local! {"));
    assert!(breaks(is_shared_and_changes, here, "static WARNED: AtomicBool = AtomicBool::new(false);"));
    assert!(!breaks(is_shared_and_changes, here, "pub(crate) static ROUTES: &[Route] = &[];"));
    assert!(!breaks(is_shared_and_changes, here, "fn name(&self) -> &'static Mutex<u64> {"));
    assert!(breaks(knows_http, "bob-core/src/bob.rs", "use http::HeaderMap;"));
    assert!(breaks(names_a_status, here, "Err(StatusCode::NOT_FOUND)"));
    assert!(!breaks(names_a_status, "bob-tower/src/wire/chat.rs", "Err(StatusCode::NOT_FOUND)"));
    assert!(breaks(trusts_sql, here, "sqlx::query(AssertSqlSafe(text))"));
}

// --------------------------------------------------------------------------------------------- what documents quote

const DOCUMENTS: [&str; 10] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/REQUEST_FLOWS.md",
    "docs/EMBEDDING.md",
    "docs/PERMISSIONS.md",
    "docs/DEPENDENCIES.md",
    "plugins/README.md",
];

#[test]
fn the_readme_quotes_the_axum_example_byte_for_byte() {
    let example = read("bob-tower/examples/axum_mount.rs");
    assert!(read("README.md").contains(&format!("\n```rust\n{example}```\n")), "quote it again");
}

#[test]
fn the_guide_to_embedding_quotes_the_example_of_an_own_sign_in() {
    let example = read("bob-tower/examples/axum_own_sign_in.rs");
    let quoted = example.split_once("async fn tell_bob_who_signed_in").unwrap().1;
    let quoted = quoted.split_once("\n\n").unwrap().0;
    assert!(read("docs/EMBEDDING.md").contains(quoted), "quote it again");
}

#[test]
fn the_readme_has_the_two_commands() {
    let readme = read("README.md");
    for command in ["cargo run --release -p bob-server", "cargo test --workspace"] {
        assert!(readme.lines().any(|line| line == command), "{command}");
    }
}

#[test]
fn every_link_between_documents_leads_to_a_file() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root().join(document).parent().unwrap().to_owned();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap_or_default();
            assert!(folder.join(file).exists(), "{document} links to {target}");
        }
    }
}

/// Files are named in backquotes, from the workspace's folder on.
#[test]
fn every_source_file_that_the_architecture_names_is_there() {
    let text = read("ARCHITECTURE.md");
    let named = text.split('`').skip(1).step_by(2).filter(|name| {
        name.starts_with("bob-") && name.contains('/') && !name.contains([' ', '*', '{', '<', '…'])
    });
    let named: Vec<&str> = named.collect();
    assert!(named.len() > 20, "ARCHITECTURE.md names no files");
    for name in named {
        assert!(root().join(name).exists(), "{name}");
    }
}
