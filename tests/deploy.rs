//! What stands around the code is true of it: the container files, the manual's tables, links between pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use fairlease::cli::Cli;
use fairlease::config::course_file::CourseFile;
use fairlease::domain::marked::Predicate;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Names that begin as ours do, with capitals, digits and underscores.
fn variables(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with("FAIRLEASE_") || word.starts_with("OS_") || *word == "DATABASE_URL")
        .map(str::to_owned)
        .collect()
}

/// Arguments of the command and of all below it.
fn arguments(command: &clap::Command) -> Vec<&clap::Arg> {
    command.get_arguments().chain(command.get_subcommands().flat_map(arguments)).collect()
}

/// Options and the variables in their place, of the command and all its subcommands; hidden ones are for tests.
fn options() -> (BTreeSet<String>, BTreeSet<String>) {
    let command = Cli::command();
    let arguments: Vec<_> = arguments(&command).into_iter().filter(|it| !it.is_hide_set()).collect();
    let options = arguments.iter().filter_map(|it| it.get_long()).map(|long| format!("--{long}")).collect();
    let variables =
        arguments.iter().filter_map(|it| it.get_env()).map(|name| name.to_string_lossy().into_owned());
    (options, variables.chain(["FAIRLEASE_LOG".to_owned()]).collect())
}

fn compose() -> Value {
    serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
}

/// A command as compose gives it: a list, or a line.
fn words(command: &Value) -> Vec<String> {
    match command {
        Value::String(line) => line.split_whitespace().map(str::to_owned).collect(),
        Value::Array(words) => words.iter().map(|word| word.as_str().unwrap().to_owned()).collect(),
        other => panic!("{other} is no command"),
    }
}

#[test]
fn container_files_name_variables_that_the_command_reads() {
    let (_, known) = options();
    for file in ["docker-compose.yml", "Dockerfile"] {
        let unknown: Vec<_> = variables(&read(file)).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
}

#[test]
fn services_run_commands_that_there_are() {
    let compose = compose();
    let mut ran = BTreeSet::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        let ours = service["image"].as_str().is_some_and(|image| image.starts_with("fairlease"));
        if ours {
            let command = words(&service["command"]);
            let parsed = Cli::try_parse_from(["fairlease".to_owned()].into_iter().chain(command.clone()));
            assert!(parsed.is_ok(), "{name}: {}", parsed.unwrap_err());
            ran.insert(command[0].clone());
        }
    }
    assert!(["migrate", "serve", "worker"].iter().all(|command| ran.contains(*command)), "{ran:?}");
}

#[test]
fn services_wait_for_services_that_can_be_waited_for() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    for (name, service) in services {
        let Some(waits) = service["depends_on"].as_object() else { continue };
        for (other, how) in waits {
            let target =
                services.get(other).unwrap_or_else(|| panic!("{name} waits for {other}, which is not there"));
            match how["condition"].as_str().unwrap() {
                "service_healthy" => assert!(target["healthcheck"].is_object(), "{other} tells no health"),
                "service_completed_successfully" => {
                    assert_ne!(target["restart"], "always", "{other} never completes");
                }
                "service_started" => {}
                condition => panic!("{name}: {condition} is no condition"),
            }
        }
    }
}

/// The first cell of each row that holds an option.
fn options_in_tables(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells
        .filter_map(|cell| cell.split_whitespace().find(|word| word.starts_with("--")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_manual_has_every_option_and_no_other() {
    let (mut known, _) = options();
    known.retain(|option| option != "--help" && option != "--version");
    let told = options_in_tables(&read("docs/operations.md"));
    assert!(told.len() > 7, "{told:?}");
    let unknown: Vec<_> = told.difference(&known).collect();
    assert!(unknown.is_empty(), "docs/operations.md has {unknown:?}, which the command does not");
    let text = read("docs/operations.md");
    let untold: Vec<_> = known.iter().filter(|option| !text.contains(option.as_str())).collect();
    assert!(untold.is_empty(), "docs/operations.md lacks {untold:?}");
}

#[test]
fn every_rule_is_in_the_policy_reference() {
    let source = read("src/policy/admission/violation.rs");
    let codes: Vec<&str> = source
        .split("pub fn code(&self)")
        .nth(1)
        .and_then(|rest| rest.split("\n    }\n").next())
        .unwrap()
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(codes.len() >= 10, "{codes:?}");
    let reference = read("docs/policy.md");
    let missing: Vec<_> = codes.iter().filter(|code| !reference.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/policy.md and docs/blueprints.md lack {missing:?}");
}

#[test]
fn every_reason_of_the_reaper_is_on_its_page() {
    let page = read("docs/reaper.md");
    let told = |code: &str| page.lines().any(|line| line.starts_with(&format!("| `{code}` |")));
    let missing: Vec<_> = Predicate::ALL.iter().map(|it| it.code()).filter(|code| !told(code)).collect();
    assert!(missing.is_empty(), "docs/reaper.md lacks {missing:?}");
}

/// Every property that a schema names, wherever it does.
fn properties(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            if let Some(Value::Object(named)) = parts.get("properties") {
                found.extend(named.keys().cloned());
            }
            parts.values().for_each(|part| properties(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| properties(part, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_a_course_file_is_in_the_policy_reference() {
    let schema = serde_json::to_value(CourseFile::schema()).unwrap();
    let mut keys = BTreeSet::new();
    properties(&schema, &mut keys);
    assert!(keys.len() > 35 && keys.contains("counted_hours"), "{keys:?}");
    let reference = read("docs/policy.md") + &read("docs/blueprints.md");
    let told = |key: &String| {
        [format!("`{key}`"), format!(".{key}`"), format!(".{key}]"), format!("[{key}]")]
            .iter()
            .any(|form| reference.contains(form))
    };
    let missing: Vec<_> = keys.iter().filter(|key| !told(key)).collect();
    assert!(missing.is_empty(), "docs/policy.md and docs/blueprints.md lack {missing:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages: Vec<PathBuf> = vec![root().join("README.md")];
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let mut broken = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            let elsewhere = link.contains("://") || link.starts_with("mailto:") || path.is_empty();
            if !elsewhere && !page.parent().unwrap().join(path).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_image_is_built_from_all_that_the_build_reads() {
    let ignored = read(".dockerignore");
    for needed in ["src", "templates", "static", "migrations", "docs/examples", "Cargo.toml", "Cargo.lock"] {
        let out = ignored.lines().any(|line| line.trim_matches('/') == needed);
        assert!(!out, ".dockerignore leaves out {needed}");
    }
}
