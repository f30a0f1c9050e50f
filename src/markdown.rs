//! Markdown that people write, as HTML for pages and as plain text for mails. Neither carries out anything: HTML that someone
//! types is shown as they typed it.

use std::collections::{HashMap, HashSet};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Parser, Tag, TagEnd, html as written};

/// What may be in the HTML: text and how it is laid out.
const TAGS: [&str; 17] = [
    "p",
    "br",
    "hr",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "code",
    "pre",
    "blockquote",
    "a",
];
/// Where a link may lead.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// The text as HTML that may stand in a page as it is: no images, no styles, no HTML of its own, no links but to the web and to
/// mail. Its headings begin at the second level.
pub fn html(text: &str) -> String {
    let mut raw = String::with_capacity(text.len() * 3 / 2);
    written::push_html(&mut raw, events(text));
    ammonia::Builder::default()
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"])), ("ol", HashSet::from(["start"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean(&raw)
        .to_string()
}

/// What is there of it: headings lower, images as their words, HTML as text.
fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new(text).filter_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::Image { .. } | Tag::HtmlBlock) | Event::End(TagEnd::Image | TagEnd::HtmlBlock) => {
            None
        }
        Event::Start(Tag::Heading { level, .. }) => Some(Event::Start(Tag::Heading {
            level: lower(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        })),
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level)))),
        other => Some(other),
    })
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

/// The text as one reads it in a mail: paragraphs apart, lists with their signs, and after each block where its links lead, as
/// `words: address`. Ends without a line break.
pub fn plain(text: &str) -> String {
    let mut page = Plain::default();
    for event in events(text) {
        page.take(event);
    }
    page.text.trim().to_owned()
}

/// The same of one line's length at most: for feeds and lists.
pub fn in_short(text: &str, characters: usize) -> String {
    shortened(&plain(text), characters)
}

fn shortened(text: &str, characters: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= characters {
        return words;
    }
    let cut: String = words.chars().take(characters).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole} ...")
}

/// HTML that somebody else wrote, as plain text in one line of at most so many characters.
pub fn of_html(html: &str, characters: usize) -> String {
    // What stands in two elements stays two words.
    let apart = html.replace('<', " <");
    let bare = ammonia::Builder::default().tags(HashSet::new()).clean(&apart).to_string();
    // What is left of markup is what text needs.
    let text = bare.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    shortened(&text, characters)
}

/// A mail's text as it grows.
#[derive(Default)]
struct Plain {
    text: String,
    /// What stands before each line of the present block: of quotes and lists.
    indents: Vec<String>,
    /// The next number of each list; nothing of those with dots.
    lists: Vec<Option<u64>>,
    /// Where the link leads that is being read, and where its words begin.
    link: Option<(String, usize)>,
    /// The links of the present block.
    links: Vec<(String, String)>,
    /// Whether the next block stands on the line that the text is on: the first of a list's item.
    joined: bool,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(words) | Event::Code(words) => self.words(&words),
            Event::SoftBreak | Event::HardBreak => self.line(),
            Event::Rule => {
                self.apart();
                self.words(&CowStr::from("* * *"));
            }
            _ => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } => self.apart(),
            Tag::CodeBlock(_) => {
                self.apart();
                self.indents.push("    ".to_owned());
                self.words_begin();
            }
            Tag::BlockQuote(_) => {
                self.apart();
                self.indents.push("> ".to_owned());
                self.words_begin();
                self.joined = true;
            }
            Tag::List(first) => {
                self.tell_links();
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.to_string(), self.text.len())),
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) => self.tell_links(),
            TagEnd::CodeBlock | TagEnd::BlockQuote(_) => {
                self.indents.pop();
                self.joined = false;
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => {
                self.tell_links();
                self.indents.pop();
                self.joined = false;
            }
            TagEnd::Link => self.end_of_link(),
            _ => {}
        }
    }

    fn item(&mut self) {
        let sign = match self.lists.last_mut() {
            Some(Some(number)) => {
                let sign = format!("{number}. ");
                *number += 1;
                sign
            }
            _ => "- ".to_owned(),
        };
        let first = self.text.is_empty() || self.joined;
        if !first {
            let close = self.lists.len() > 1 || self.text.lines().last().is_some_and(is_item);
            self.text.push_str(if close { "\n" } else { "\n\n" });
        }
        self.words_begin();
        self.text.push_str(&sign);
        self.indents.push(" ".repeat(sign.len()));
        self.joined = true;
    }

    /// Begins a block, with an empty line before it.
    fn apart(&mut self) {
        if std::mem::take(&mut self.joined) || self.text.is_empty() {
            return;
        }
        self.text.push('\n');
        self.line();
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.words_begin();
    }

    fn words_begin(&mut self) {
        self.text.push_str(&self.indents.concat());
    }

    fn words(&mut self, words: &str) {
        self.joined = false;
        let mut lines = words.trim_end_matches('\n').split('\n');
        self.text.push_str(lines.next().unwrap_or_default());
        for line in lines {
            self.line();
            self.text.push_str(line);
        }
    }

    fn end_of_link(&mut self) {
        let Some((address, from)) = self.link.take() else { return };
        let words =
            self.text.get(from..).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let leads = SCHEMES.iter().any(|scheme| address.starts_with(&format!("{scheme}:")));
        let itself = address == words || address.strip_prefix("mailto:") == Some(words.as_str());
        if leads && !itself {
            self.links.push((words, address));
        }
    }

    fn tell_links(&mut self) {
        for (words, address) in std::mem::take(&mut self.links) {
            self.line();
            self.text.push_str(&words);
            self.text.push_str(": ");
            self.text.push_str(&address);
        }
    }
}

/// Whether a line belongs to an item of a list.
fn is_item(line: &str) -> bool {
    let line = line.trim_start_matches("> ");
    let sign = line.trim_start().split(' ').next().unwrap_or_default();
    line.starts_with(' ') || sign == "-" || sign.strip_suffix('.').is_some_and(|it| it.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_has_the_layout_and_nothing_that_acts() {
        let page = html("# A\n\nSee *this* and [that](https://example.edu/a?b=1&c=2).\n\n- one\n- two");
        assert!(page.contains("<h2>A</h2>"), "{page}");
        let link =
            r#"<a href="https://example.edu/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">that</a>"#;
        assert!(page.contains("<em>this</em>") && page.contains(link), "{page}");
        assert!(page.contains("<li>one</li>"), "{page}");
        assert_eq!(html("###### deep"), "<h6>deep</h6>\n");
    }

    #[test]
    fn what_could_act_is_text_or_not_there() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:msgbox)",
            "[x](//evil.example)",
            "![x](https://evil.example/pixel.png)",
            "<svg/onload=alert(1)>",
            "<a href=\"https://ok.example\" onclick=\"alert(1)\">x</a>",
            "<div style=\"position:fixed\">x</div>",
            "<iframe src=\"https://evil.example\"></iframe>",
            "[x](https://ok.example \"t\" onclick=alert(1))",
            "`</code><script>alert(1)</script>`",
            "```\n</pre><script>alert(1)</script>\n```",
            "<javascript:alert(1)>",
            "[a]: javascript:alert(1)\n\n[a]",
            "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
        ] {
            let page = html(bad);
            for never in [
                "<script",
                "<img",
                "<svg",
                "<iframe",
                "<div",
                "href=\"javascript",
                "href=\"data",
                "href=\"vb",
                "href=\"//",
            ] {
                assert!(!page.to_lowercase().contains(never), "{bad}: {page}");
            }
            let tags = page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default());
            for tag in tags {
                assert!(!tag.contains(" on") && !tag.contains("style"), "{bad}: {page}");
            }
        }
    }

    #[test]
    fn a_mail_reads_well() {
        let text = "# Deferred\n\nThe lab *moves*. See [the\nnew date](https://example.edu/labs), or <https://example.edu>.\n\nTo do:\n\n\
                    - one\n- two [x](mailto:a@example.edu)\n  1. deep\n  2. deeper\n\n> quoted\n> twice\n\n```\nls -l\ncd\n```\nEnd.";
        let expected = "Deferred\n\nThe lab moves. See the\nnew date, or https://example.edu.\nthe new date: https://example.edu/labs\n\nTo do:\n\n\
                        - one\n- two x\n  x: mailto:a@example.edu\n  1. deep\n  2. deeper\n\n> quoted\n> twice\n\n    ls -l\n    cd\n\nEnd.";
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn html_of_others_is_text() {
        let html = "<p>KVM&nbsp;down &amp; <b>out</b></p><p>Until&#32;5&lt;6</p><script>alert(1)</script><img src=x onerror=y>";
        assert_eq!(of_html(html, 100), "KVM down & out Until 5<6");
        assert_eq!(of_html("&lt;script&gt;", 100), "<script>", "text stays text: pages escape it");
    }

    #[test]
    fn a_short_form_ends_between_words() {
        assert_eq!(in_short("One *two*\n\nthree", 40), "One two three");
        assert_eq!(in_short("One two three", 9), "One two ...");
    }
}
