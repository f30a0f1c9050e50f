//! A person with a browser: Chromium, driven by chromedriver. What a person does are words here; every wait is for a
//! condition, with one deadline, after which the test fails and tells what the page showed instead.

use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Ending, Process};
use super::{BETWEEN_LOOKS, PATIENCE, named};

/// What keeps Chromium to itself and to what a machine without a screen has.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,900",
];

/// A person with a browser of their own.
pub(crate) struct Student {
    client: Client,
    home: Url,
    _driver: Process,
    _profile: TempDir,
}

/// What the pages are looked at with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Wide,
    Phone,
}

/// A request that fantoccini has no name for.
#[derive(Debug)]
struct Raw {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Raw {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

fn capabilities(profile: &TempDir) -> Capabilities {
    let profile = format!("--user-data-dir={}", profile.path().display());
    let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
    let wanted = json!({
        "goog:chromeOptions": {"args": flags},
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    wanted.as_object().unwrap().clone()
}

/// An element that holds the text, whatever markup there is around words.
fn xpath(elements: &str, text: &str) -> String {
    assert!(!text.contains('"'), "{text} can't be looked for");
    format!("//{elements}[contains(normalize-space(.), \"{text}\")]")
}

/// What passes by itself: the page is just being replaced, or something still lies over what is wanted.
fn passes(error: &CmdError) -> bool {
    error.is_no_such_element()
        || error.is_stale_element_reference()
        || [
            "element click intercepted",
            "does not belong to the document",
            "aborted by navigation",
            "context was destroyed",
        ]
        .iter()
        .any(|passing| error.to_string().contains(passing))
        || error.is_element_not_interactable()
}

impl Student {
    /// Opens a browser that has never been here.
    pub(crate) async fn with_browser(home: &str) -> Self {
        let profile = TempDir::new().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", profile.path());
        // Killed with its group: asked alone, it would leave Chromium behind.
        let mut driver = Process::start("chromedriver", &mut command, Ending::Killed);
        let port = driver.hear(|line| {
            line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = format!("http://127.0.0.1:{}", port.await);
        let connecting =
            ClientBuilder::new(HttpConnector::new()).capabilities(capabilities(&profile)).clone();
        let client = connecting.connect(&address).await.unwrap_or_else(|error| panic!("no browser: {error}"));
        Self { client, home: home.parse().unwrap(), _driver: driver, _profile: profile }
    }

    /// Waits until `look` finds something. `what` names it for the one who reads why the test failed.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, CmdError>,
    ) -> T {
        let looking = async {
            loop {
                match look().await {
                    Ok(Some(seen)) => return seen,
                    Ok(None) => {}
                    Err(error) if passes(&error) => {}
                    Err(error) => panic!("{what}: {error}"),
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, looking).await;
        if let Ok(seen) = seen {
            seen
        } else {
            panic!("{what}: not within {PATIENCE:?}. {}", self.describe().await)
        }
    }

    async fn describe(&self) -> String {
        let address = self.client.current_url().await.map(String::from).unwrap_or_default();
        self.screenshot("failed").await;
        format!("At {address} the page says:\n{}", self.page().await.unwrap_or_default())
    }

    /// Runs a script in the page; again if the page was just being replaced.
    pub(super) async fn run(&self, script: &str, arguments: &[&str]) -> Value {
        let arguments: Vec<Value> = arguments.iter().map(|argument| (*argument).into()).collect();
        self.until(script, async || self.client.execute(script, arguments.clone()).await.map(Some)).await
    }

    async fn page(&self) -> Result<String, CmdError> {
        self.client.find(Locator::Css("body")).await?.text().await
    }

    async fn act(&self, what: &str, xpath: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        self.until(what, async || {
            for element in self.client.find_all(Locator::XPath(xpath)).await? {
                if element.is_displayed().await? {
                    return act(element).await.map(Some);
                }
            }
            Ok(None)
        })
        .await;
    }

    async fn click(&self, what: &str, xpath: &str) {
        self.act(what, xpath, async |element| element.click().await).await;
    }

    /// Follows an address of the service.
    pub(crate) async fn open(&self, path: &str) {
        self.client.goto(self.home.join(path).unwrap().as_str()).await.unwrap();
    }

    /// The tab that is looked at.
    pub(crate) async fn tab(&self) -> WindowHandle {
        self.client.window().await.unwrap()
    }

    /// Opens another tab, and looks at it.
    pub(crate) async fn opens_a_tab(&self) -> WindowHandle {
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.looks_at(&tab).await;
        tab
    }

    /// Looks at one of the tabs.
    pub(crate) async fn looks_at(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.unwrap();
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// The present address within the service: path and query.
    pub(crate) async fn address(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the page shows the text.
    pub(crate) async fn sees(&self, text: &str) {
        self.until(&format!("seeing \"{text}\""), async || {
            Ok(self.page().await?.contains(text).then_some(()))
        })
        .await;
    }

    /// Presses the button with these words.
    pub(crate) async fn press(&self, words: &str) {
        self.click(&format!("pressing \"{words}\""), &xpath("button", words)).await;
    }

    /// Follows the link with these words.
    pub(crate) async fn follow(&self, words: &str) {
        self.click(&format!("following \"{words}\""), &xpath("a", words)).await;
    }

    /// Opens what is folded under these words.
    pub(crate) async fn unfold(&self, words: &str) {
        self.click(&format!("unfolding \"{words}\""), &xpath("summary", words)).await;
    }

    /// Chooses the option whose label holds these words.
    pub(crate) async fn choose(&self, words: &str) {
        self.click(&format!("choosing \"{words}\""), &xpath("label", words)).await;
    }

    /// Chooses of a list the option with this number, the first being 0.
    pub(crate) async fn choose_of(&self, css: &str, number: usize) {
        let list = self.client.find(Locator::Css(css)).await.unwrap();
        list.select_by_index(number).await.unwrap();
    }

    /// Which option of a list is chosen.
    pub(crate) async fn chosen_of(&self, css: &str) -> u64 {
        self.run("return document.querySelector(arguments[0]).selectedIndex", &[css]).await.as_u64().unwrap()
    }

    /// Follows the link with exactly this address.
    pub(crate) async fn follow_address(&self, href: &str) {
        self.click(&format!("following {href}"), &format!("//a[@href=\"{href}\"]")).await;
    }

    /// Writes into the field that has this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = format!("//*[@id = {}/@for]", xpath("label", label));
        self.act(&format!("filling \"{label}\""), &field, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn key(&self, key: Key) {
        self.types(&char::from(key).to_string()).await;
    }

    /// Puts the focus on the first element that the selector finds and that is seen.
    pub(crate) async fn focus(&self, css: &str) {
        let script = "[...document.querySelectorAll(arguments[0])].find((it) => it.offsetParent).focus()";
        self.run(script, &[css]).await;
    }

    /// Types, wherever the focus is; if that is just being replaced, where it is then.
    pub(crate) async fn types(&self, text: &str) {
        self.until("typing", async || {
            let focused = self.client.active_element().await?;
            focused.send_keys(text).await.map(Some)
        })
        .await;
    }

    /// What is read of the element that has the focus.
    pub(crate) async fn focused(&self) -> String {
        let script = "const it = document.activeElement; return it.ariaLabel || it.labels?.[0]?.innerText || it.innerText";
        self.run(script, &[]).await.as_str().unwrap_or_default().trim().to_owned()
    }

    /// Presses Tab until the focus is on what is read with these words.
    pub(crate) async fn tabs_to(&self, words: &str) {
        self.walks_to(words, &char::from(Key::Tab).to_string()).await;
    }

    /// The same in the other direction.
    pub(crate) async fn tabs_back_to(&self, words: &str) {
        self.walks_to(words, &format!("{}{}", char::from(Key::Shift), char::from(Key::Tab))).await;
    }

    /// Waits until the focus is on what the selector finds.
    pub(crate) async fn has_the_focus_at(&self, css: &str) {
        self.until(&format!("the focus at {css}"), async || {
            let there = self.run("return document.activeElement.matches(arguments[0])", &[css]).await;
            Ok((there == json!(true)).then_some(()))
        })
        .await;
    }

    async fn walks_to(&self, words: &str, keys: &str) {
        let mut passed = Vec::new();
        for _ in 0..80 {
            self.types(keys).await;
            let focused = self.focused().await;
            if focused.contains(words) {
                return;
            }
            passed.push(focused);
        }
        panic!("Tab does not lead to \"{words}\", but to {passed:#?}");
    }

    /// Puts a value into a field that a person does not see, as a page that is out of date would send it.
    pub(crate) async fn tamper(&self, field: &str, value: &str) {
        let script = "document.querySelector(arguments[0]).value = arguments[1]";
        self.run(script, &[field, value]).await;
    }

    /// The visible texts of all elements that the selector finds.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((it) => it.innerText.trim())";
        serde_json::from_value(self.run(script, &[css]).await).unwrap()
    }

    /// The text of the one element that the selector finds.
    pub(crate) async fn text(&self, css: &str) -> String {
        let mut texts = self.texts(css).await;
        assert_eq!(texts.len(), 1, "{css}: {texts:?}");
        texts.remove(0)
    }

    /// The value of the one field that the selector finds.
    pub(crate) async fn value(&self, css: &str) -> String {
        let value = self.run("return document.querySelector(arguments[0]).value", &[css]).await;
        value.as_str().unwrap().to_owned()
    }

    /// The addresses of all links that the selector finds.
    pub(crate) async fn addresses(&self, css: &str) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map((it) => it.getAttribute('href'))";
        serde_json::from_value(self.run(script, &[css]).await).unwrap()
    }

    /// The HTTP status with which the page came.
    pub(crate) async fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.run(script, &[]).await.as_u64().unwrap()
    }

    /// Signs in with the button of one of the demo's people.
    pub(crate) async fn sign_in(&self, net_id: &str) {
        self.open("/sign-in").await;
        self.press(net_id).await;
        self.sees("Sign out").await;
    }

    /// Signs in as anyone.
    pub(crate) async fn sign_in_by_name(&self, net_id: &str) {
        self.open("/sign-in").await;
        self.fill("Or any other net ID", net_id).await;
        self.press("Sign in").await;
        self.sees("Sign out").await;
    }

    /// Presses the Tab key.
    pub(crate) async fn press_tab(&self) {
        let down = KeyAction::Down { value: Key::Tab.into() };
        let up = KeyAction::Up { value: Key::Tab.into() };
        let keys = KeyActions::new("keyboard".to_owned()).then(down).then(up);
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Notes which page this is, for [`Self::is_on_the_noted_page`].
    pub(crate) async fn note_the_page(&self) {
        self.run("window.noted = true", &[]).await;
    }

    /// Whether the page is the one that was noted, not loaded anew since.
    pub(crate) async fn is_on_the_noted_page(&self) -> bool {
        self.run("return window.noted === true", &[]).await == json!(true)
    }

    async fn raw(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Raw { path, body }).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.raw("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// Looks with another screen.
    pub(crate) async fn look_with(&self, screen: Screen) {
        let (width, height) = match screen {
            Screen::Wide => (1280, 900),
            Screen::Phone => (360, 780),
        };
        let phone = screen == Screen::Phone;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Prefers dark pages, or light ones.
    pub(crate) async fn prefer_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Looks at pages as they are printed on A4.
    pub(crate) async fn looks_at_paper(&self) {
        let metrics = json!({"width": 718, "height": 1047, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        self.devtools("Emulation.setEmulatedMedia", json!({"media": "print"})).await;
    }

    /// How many of the elements that the selector finds can be seen.
    pub(crate) async fn shows(&self, css: &str) -> u64 {
        let script =
            "return [...document.querySelectorAll(arguments[0])].filter((it) => it.checkVisibility()).length";
        self.run(script, &[css]).await.as_u64().unwrap()
    }

    /// Waits until something else is in the place of what the selector finds.
    pub(crate) async fn sees_replaced(&self, css: &str) {
        self.run("window.replaced = document.querySelector(arguments[0])", &[css]).await;
        self.until(&format!("another {css}"), async || {
            let script = "return !window.replaced.isConnected && !!document.querySelector(arguments[0])";
            Ok((self.run(script, &[css]).await == json!(true)).then_some(()))
        })
        .await;
    }

    /// Switches JavaScript off, from the next page on.
    pub(crate) async fn switch_javascript_off(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// Switches JavaScript on again, from the next page on.
    pub(crate) async fn switch_javascript_on(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": false})).await;
    }

    /// Fails if the page is wider than the window.
    pub(crate) async fn fits_the_width(&self) {
        let script = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let widths = self.run(script, &[]).await;
        let (page, window) = (widths[0].as_u64().unwrap(), widths[1].as_u64().unwrap());
        assert!(page <= window, "{}: {page} px in a window of {window} px", self.address().await);
    }

    /// Errors that pages wrote on the console since the last question. That an error page came is none of them.
    pub(crate) async fn console_errors(&self) -> Vec<String> {
        let entries = self.raw("se/log", json!({"type": "browser"})).await;
        let severe = entries.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        let messages = severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        messages.filter(|message| !message.contains("the server responded with a status of 4")).collect()
    }

    /// Takes a picture of the whole page, if `FAIRLEASE_TEST_ARTIFACTS` says where to keep it.
    pub(crate) async fn screenshot(&self, name: &str) {
        let Some(directory) = named("FAIRLEASE_TEST_ARTIFACTS") else { return };
        let picture = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        let png = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        let directory = PathBuf::from(directory).join("screenshots");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.png")), png).unwrap();
    }
}
