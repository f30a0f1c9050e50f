//! Whether everyone can use a page: what axe-core finds, and where the Tab key leads.

use serde_json::Value;

use super::browser::Student;
use super::given;

/// What axe-core finds, one text each: the rule, where, and what helps. The arguments are rules to leave out.
const FINDINGS: &str = r#"
    const rules = { "target-size": { enabled: true } };
    for (const rule of arguments) rules[rule] = { enabled: false };
    return axe.run(document, { resultTypes: ["violations"], rules }).then(({ violations }) => violations.flatMap(
        ({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)}: ${failureSummary}`)));
"#;

/// Puts the focus before everything.
const TO_THE_TOP: &str = r#"
    window.walked = [];
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
"#;

/// What is wrong with where the focus is now; null at the end. A field of several parts has several stops, and of a long
/// one the beginning is enough.
const LOOK_AT_FOCUS: &str = r#"
    const it = document.activeElement;
    if (it === document.body || walked.slice(0, -1).includes(it)) return null;
    walked.push(...(walked.at(-1) === it ? [] : [it]));
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
    const { left, right, top, bottom } = it.getClientRects()[0];
    const at = (y) => document.elementFromPoint((left + right) / 2, y);
    const there = [at((top + bottom) / 2), at(top + 4)];
    // In a frame it is a link of the document there that has the focus, and shows it.
    const inside = it.tagName === "IFRAME";
    const shown = inside || (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    const what = it.outerHTML.slice(0, 160);
    return [
        ...(shown ? [] : [`the focus does not show: ${what}`]),
        ...(there.some((seen) => it.contains(seen)) ? [] : [`the focus is out of sight: ${what}`]),
    ];
"#;

/// What was not reached. Of a group of radio buttons one is.
const MISSED: &str = r#"
    const all = "a[href], button, summary, select, textarea, input:not([type=hidden], [type=radio])";
    return [...document.querySelectorAll(all)]
        .filter((it) => it.tabIndex >= 0 && it.checkVisibility({ visibilityProperty: true }) && !walked.includes(it))
        .map((it) => `not reached: ${it.outerHTML.slice(0, 160)}`);
"#;

/// More stops than any page has.
const STOPS: usize = 1000;

impl Student {
    /// What axe-core finds wrong with the page. `unless` are rules that do not fit it.
    pub(crate) async fn axe_findings(&self, unless: &[&str]) -> Vec<String> {
        if self.run("return typeof axe", &[]).await != "object" {
            let axe = std::fs::read_to_string(given("FAIRLEASE_TEST_AXE")).unwrap();
            self.run(&format!("{axe}; window.axe = axe"), &[]).await;
        }
        let found: Vec<String> = serde_json::from_value(self.run(FINDINGS, unless).await).unwrap();
        self.telling_where(found).await
    }

    /// Walks the page by the Tab key. Returns where the focus can't be seen, and what is not reached.
    pub(crate) async fn lost_to_the_tab_key(&self) -> Vec<String> {
        self.run(TO_THE_TOP, &[]).await;
        let mut wrong = Vec::new();
        for _ in 0..STOPS {
            self.press_tab().await;
            match self.run(LOOK_AT_FOCUS, &[]).await {
                Value::Null => break,
                seen => wrong.extend(serde_json::from_value::<Vec<String>>(seen).unwrap()),
            }
        }
        wrong.extend(serde_json::from_value::<Vec<String>>(self.run(MISSED, &[]).await).unwrap());
        self.telling_where(wrong).await
    }

    /// Gives the first element that the selector finds another style.
    pub(crate) async fn spoil(&self, css: &str, property: &str, value: &str) {
        let script = "document.querySelector(arguments[0]).style[arguments[1]] = arguments[2]";
        self.run(script, &[css, property, value]).await;
    }

    async fn telling_where(&self, found: Vec<String>) -> Vec<String> {
        let address = self.address().await;
        found.into_iter().map(|it| format!("{address}: {it}")).collect()
    }
}
