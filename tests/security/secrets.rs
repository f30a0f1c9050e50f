//! Secrets are looked up by their hashes or compared in constant time, never with `==`, which tells by its time how far two
//! texts agree. Most are of a type that has no `==`; what is plain text for a while is told here by its name.
//!
//! The time itself is not measured: on a machine that does other things a difference of nanoseconds is noise.

use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{BinOp, Expr, Member};

/// Names that hold secrets or what they are checked by, alone or as the end of a longer name.
const SECRETS: [&str; 11] = [
    "bearer",
    "cookie",
    "csrf",
    "hash",
    "mac",
    "nonce",
    "password",
    "secret",
    "signature",
    "token",
    "verifier",
];

/// What is compared and is no secret, with where it stands: how each token begins; and whether two parts of one answer of a
/// provider belong together, both of which whoever sent it knows.
const PUBLIC: [(&str, &str); 5] = [
    ("src/services/tokens.rs", "secret"),
    ("src/auth/openid/id_token.rs", "hash"),
    // Hashes of the chain, which anyone who may read the log sees.
    ("src/services/audit/verify.rs", "hash"),
    ("src/services/audit/verify.rs", "previous_hash"),
    ("src/services/audit/verify.rs", "details_hash"),
];

/// Where secrets come in.
const WHERE: [&str; 3] = ["src/auth", "src/services", "src/web"];

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

/// The name of what an expression gives: of a variable, a field, or a method without arguments of its own meaning.
fn name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.to_string()),
            Member::Unnamed(_) => None,
        },
        Expr::MethodCall(call) => {
            let wraps = [
                "as_bytes",
                "as_deref",
                "as_ref",
                "as_str",
                "clone",
                "expose_secret",
                "to_owned",
                "to_string",
            ];
            if wraps.contains(&call.method.to_string().as_str()) {
                name(&call.receiver)
            } else {
                Some(call.method.to_string())
            }
        }
        Expr::Call(call) => name(&call.func),
        Expr::Reference(inner) => name(&inner.expr),
        Expr::Unary(inner) => name(&inner.expr),
        Expr::Paren(inner) => name(&inner.expr),
        _ => None,
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|secret| name == *secret || name.ends_with(&format!("_{secret}")))
}

/// The comparisons of secrets in a file, outside of its tests.
#[derive(Default)]
struct Comparisons(Vec<String>);

impl<'ast> Visit<'ast> for Comparisons {
    fn visit_expr_binary(&mut self, it: &'ast syn::ExprBinary) {
        if matches!(
            it.op,
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
        ) {
            self.0.extend(
                [&it.left, &it.right]
                    .into_iter()
                    .filter_map(|side| name(side))
                    .filter(|name| is_secret(name)),
            );
        }
        syn::visit::visit_expr_binary(self, it);
    }

    fn visit_expr_method_call(&mut self, it: &'ast syn::ExprMethodCall) {
        let compares = ["eq", "ne", "cmp", "partial_cmp", "starts_with", "ends_with", "eq_ignore_ascii_case"];
        if compares.contains(&it.method.to_string().as_str()) {
            let sides = std::iter::once(&*it.receiver).chain(&it.args);
            self.0.extend(sides.filter_map(name).filter(|name| is_secret(name)));
        }
        syn::visit::visit_expr_method_call(self, it);
    }

    fn visit_item_mod(&mut self, it: &'ast syn::ItemMod) {
        let is_test = it.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
        });
        if !is_test {
            syn::visit::visit_item_mod(self, it);
        }
    }
}

fn compared(source: &str) -> Vec<String> {
    let mut found = Comparisons::default();
    found.visit_file(&syn::parse_file(source).unwrap());
    found.0
}

#[test]
fn no_secret_is_compared_with_plain_operators() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for at in WHERE {
        sources(&root.join(at), &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let shown = file.strip_prefix(root).unwrap().display().to_string();
        for name in compared(&fs::read_to_string(&file).unwrap()) {
            if !PUBLIC.contains(&(shown.as_str(), name.as_str())) {
                wrong.push(format!("{shown}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "compare these with ct_eq, or look up their hashes: {wrong:#?}");
}

#[test]
fn a_comparison_of_a_secret_is_seen_whatever_it_is_wrapped_in() {
    for seen in [
        "fn f(token: &str, sent: &str) -> bool { token == sent }",
        "fn f(sent: &str, s: S) -> bool { sent.as_bytes() != s.csrf.expose_secret().as_bytes() }",
        "fn f(a: &str, s: S) -> bool { a == *s.token_hash }",
        "fn f(a: &str) -> bool { hash(a) == \"0\" }",
        "fn f(a: &str, caller: C) -> bool { (a) == &caller.csrf() }",
        "fn f(a: &str, s: S) -> bool { s.stored.secret.eq(a) }",
        "fn f(a: &str, s: S) -> bool { a.eq(&s.nonce) }",
    ] {
        assert_eq!(compared(seen).len(), 1, "{seen}");
    }
    for plain in ["fn f(a: u8) -> bool { a == 1 }", "fn f(a: S) -> bool { a.tokens == 1 }"] {
        assert_eq!(compared(plain), [""; 0], "{plain}");
    }
}
