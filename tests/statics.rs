//! The files that pages load: there, kept for good, sent compressed.

use std::collections::BTreeSet;

use reqwest::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use scraper::{Html, Selector};
use sha2::{Digest as _, Sha256};

use crate::support::course::Course;
use crate::support::demo::Setup;
use crate::support::visitor::{Visitor, client};

/// What a page loads from `/static/`.
fn loads(page: &str) -> BTreeSet<String> {
    let page = Html::parse_document(page);
    let elements = Selector::parse("link[href], script[src], use[href]").unwrap();
    page.select(&elements)
        .map(|element| element.attr("href").or(element.attr("src")).unwrap())
        .map(|path| path.split('#').next().unwrap().to_owned())
        .collect()
}

async fn get(http: &Client, address: &str, encoding: &str) -> Response {
    http.get(address).header(ACCEPT_ENCODING, encoding).send().await.unwrap()
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn what_pages_load_is_kept_for_good_and_sent_compressed() {
    let demo = Setup::of(Course::example()).start().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let mut files = BTreeSet::new();
    for page in ["/", "/sign-in", "/labs/k8s", "/me", "/mailbox", "/labs/none"] {
        files.extend(loads(&student.get(page).await.text().await.unwrap()));
    }
    assert_eq!(files.len(), 6, "{files:?}");
    for file in files {
        let address = format!("{}{file}", demo.url());
        let small = get(&http, &address, "gzip").await;
        assert_eq!(small.status(), StatusCode::OK, "{file}");
        assert_eq!(header(&small, CACHE_CONTROL), "public, max-age=31536000, immutable", "{file}");
        assert_eq!(header(&small, CONTENT_ENCODING), "gzip", "{file}");
        let kind = header(&small, CONTENT_TYPE).to_owned();
        assert!(["css", "javascript", "svg"].iter().any(|it| kind.contains(it)), "{file}: {kind}");
        let small = small.bytes().await.unwrap().len();
        let whole = get(&http, &address, "identity").await;
        assert_eq!(header(&whole, CONTENT_ENCODING), "", "{file}");
        let whole = whole.bytes().await.unwrap();
        assert!(small < whole.len(), "{file}: {small} of {} bytes", whole.len());
        let hash = format!("{:x}", Sha256::digest(&whole));
        let named = file.rsplit('.').nth(1).unwrap();
        assert!(named.len() == 16 && hash.starts_with(named), "{file} holds {hash}");
    }
}

#[tokio::test]
async fn a_file_has_no_other_name() {
    let demo = Setup::of(Course::example()).start().await;
    for name in ["app.css", "app.0000000000000000.css", "", "vendor/htmx.min.js"] {
        let answer = get(&client(), &format!("{}/static/{name}", demo.url()), "gzip").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
        assert!(!header(&answer, CACHE_CONTROL).contains("immutable"), "{name}");
    }
}
