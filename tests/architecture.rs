//! The direction of imports, as `docs/architecture.md` draws it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// What each module may import of the others, and of other crates where that is restricted.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("clock", &[]),
    ("entropy", &[]),
    ("domain", &[]),
    ("auth", &["clock", "domain", "entropy"]),
    ("config", &["domain"]),
    ("policy", &["domain"]),
    ("db", &["domain"]),
    ("cloud", &["clock", "domain", "entropy"]),
    ("mail", &["domain", "markdown"]),
    ("markdown", &[]),
    ("metrics", &[]),
    ("roster", &["domain"]),
    (
        "services",
        &[
            "auth", "clock", "cloud", "db", "domain", "entropy", "mail", "markdown", "metrics", "policy",
            "roster",
        ],
    ),
    ("worker", &["db", "domain", "services"]),
    (
        "web",
        &[
            "auth", "clock", "db", "domain", "entropy", "mail", "markdown", "metrics", "policy", "roster",
            "services",
        ],
    ),
    (
        "cli",
        &[
            "auth", "clock", "cloud", "config", "db", "domain", "entropy", "mail", "policy", "roster",
            "services", "web", "worker",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Crates that only these modules may name.
const HOMES: [(&str, &[&str]); 16] = [
    ("ammonia", &["markdown"]),
    ("atom_syndication", &["web"]),
    ("feed_rs", &["cloud"]),
    ("pulldown_cmark", &["markdown"]),
    ("diesel", &["db"]),
    ("diesel_migrations", &["db"]),
    ("actix_multipart", &["web"]),
    ("actix_web", &["web"]),
    ("lettre", &["mail"]),
    ("tokio_cron_scheduler", &["worker"]),
    ("clap", &["cli", "main"]),
    ("csv", &["cli", "roster", "services"]),
    ("openidconnect", &["auth"]),
    ("reqwest", &["auth", "cloud"]),
    ("getrandom", &["entropy"]),
    ("prometheus", &["metrics"]),
];

/// Crates that the functional core may name.
const CORE: [(&str, &[&str]); 2] = [
    ("domain", &["std", "core", "chrono", "chrono_tz", "serde", "thiserror"]),
    ("policy", &["std", "core", "chrono", "chrono_tz", "serde"]),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every path that a file names outside of its tests, by its first two segments.
#[derive(Default)]
struct Paths(BTreeSet<(String, String)>);

impl Paths {
    fn of_tree(&mut self, first: Option<String>, tree: &syn::UseTree) {
        match (tree, first) {
            (syn::UseTree::Path(path), None) => self.of_tree(Some(path.ident.to_string()), &path.tree),
            (syn::UseTree::Path(path), Some(first)) => {
                self.0.insert((first, path.ident.to_string()));
            }
            (syn::UseTree::Name(name), first) => {
                let name = name.ident.to_string();
                self.0.insert(match first {
                    Some(first) => (first, name),
                    None => (name, String::new()),
                });
            }
            (syn::UseTree::Rename(rename), first) => {
                let name = rename.ident.to_string();
                self.0.insert((first.clone().unwrap_or_else(|| name.clone()), name));
            }
            (syn::UseTree::Glob(_), first) => {
                self.0.insert((first.unwrap_or_default(), String::new()));
            }
            (syn::UseTree::Group(group), first) => {
                group.items.iter().for_each(|tree| self.of_tree(first.clone(), tree));
            }
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.of_tree(None, &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter().map(|segment| segment.ident.to_string());
        if let (Some(first), Some(second)) = (segments.next(), segments.next()) {
            self.0.insert((first, second));
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// Module, file, and the first two segments of each path that it names.
type Imports = (String, PathBuf, BTreeSet<(String, String)>);

/// Module by module, what its files name outside of their tests.
fn imports() -> Vec<Imports> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name != "tests.rs"))
        .map(|path| {
            let relative = path.strip_prefix(&root).unwrap();
            let module = relative.components().next().unwrap().as_os_str().to_str().unwrap();
            let mut paths = Paths::default();
            paths.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
            (module.trim_end_matches(".rs").to_owned(), path, paths.0)
        })
        .collect()
}

#[test]
fn modules_import_in_one_direction() {
    let mut wrong = Vec::new();
    for (module, file, paths) in imports() {
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{module} is not in the list"));
        for (first, second) in &paths {
            let ours = first == "crate" || first == "fairlease";
            let known = MAY_USE.iter().any(|(name, _)| name == second);
            if ours && known && *second != module && !allowed.contains(&second.as_str()) {
                wrong.push(format!("{}: {module} may not use {second}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_stay_in_their_homes() {
    let mut wrong = Vec::new();
    for (module, file, paths) in imports() {
        for (first, _) in &paths {
            let homes = HOMES.iter().find(|(name, _)| name == first);
            if homes.is_some_and(|(_, homes)| !homes.contains(&module.as_str())) {
                wrong.push(format!("{}: {first} has no home in {module}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_names_only_what_it_may() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let crates: BTreeSet<String> =
        manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).collect();
    let mut wrong = Vec::new();
    for (module, file, paths) in imports() {
        let Some((_, allowed)) = CORE.iter().find(|(name, _)| *name == module) else { continue };
        for (first, _) in &paths {
            if crates.contains(first) && !allowed.contains(&first.as_str()) {
                wrong.push(format!("{}: {module} may not name {first}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_route_is_served_without_a_row_in_the_table() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"), &mut files);
    let registers = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        [".route(", "web::resource(", "#[get(", "#[post(", "#[routes]"].iter().any(|way| text.contains(way))
    };
    let found: Vec<_> = files.into_iter().filter(registers).collect();
    // The metrics are served on an address of their own, to no people.
    let homes = ["metrics.rs", "table.rs"]
        .map(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web").join(file));
    assert_eq!(
        BTreeSet::from_iter(found),
        BTreeSet::from(homes),
        "routes are written with `routes!`, which asks for their permission"
    );
}
