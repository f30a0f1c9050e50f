//! A mail's text as HTML, for programs that show that. Nothing in it is fetched from anywhere, and nothing is counted.

use askama::Template;

use super::plain::{self, Block, Piece};

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Letter<'a> {
    subject: &'a str,
    blocks: Vec<Block>,
    footer: Vec<Block>,
}

/// The text of a mail with this subject as a whole HTML document, with the same words in the same order.
pub fn of(subject: &str, text: &str) -> Result<String, askama::Error> {
    let plain = plain::read(text);
    Letter { subject, blocks: plain.blocks, footer: plain.footer }.render()
}
