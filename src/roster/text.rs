//! From bytes to text, whatever program wrote them.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of a file, with `\n` at the end of each line.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// What staff should know of how it was read.
    pub(super) note: Option<&'static str>,
}

const GUESSED: &str =
    "The file is not in UTF-8; it was read as Windows-1252. Look whether names with accents are right.";

const WORKBOOK: &str = "this is a workbook, not a CSV file: open it, choose Save As, and then CSV UTF-8";

/// Reads UTF-8 and UTF-16, with or without a byte order mark, and whatever else as Windows-1252, which is what Excel writes
/// where it does not write UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(WORKBOOK.to_owned());
    }
    let (encoding, mark) = Encoding::for_bom(bytes).or_else(|| wide(bytes)).unzip();
    let body = bytes.get(mark.unwrap_or(0)..).unwrap_or_default();
    let (text, note) = match (encoding, std::str::from_utf8(body)) {
        (Some(encoding), Err(_)) => (encoding.decode_without_bom_handling(body).0, None),
        (Some(encoding), _) if encoding != encoding_rs::UTF_8 => {
            (encoding.decode_without_bom_handling(body).0, None)
        }
        (_, Ok(text)) => (text.into(), None),
        (None, Err(_)) => (WINDOWS_1252.decode_without_bom_handling(body).0, Some(GUESSED)),
    };
    if text.contains('\0') {
        return Err("this is not a text file; a CSV file is wanted".to_owned());
    }
    Ok(Decoded { text: text.replace("\r\n", "\n").replace('\r', "\n"), note })
}

/// UTF-16 without a byte order mark: of an ASCII character, one byte of two is zero.
fn wide(bytes: &[u8]) -> Option<(&'static Encoding, usize)> {
    match bytes {
        [0, low, 0, ..] if *low != 0 => Some((UTF_16BE, 0)),
        [low, 0, other, 0, ..] if *low != 0 && *other != 0 => Some((UTF_16LE, 0)),
        _ => None,
    }
}

/// A cell as people mean it: without the space around it and what keeps a spreadsheet from taking it for a formula, and with
/// one space where there are several or a line ends.
pub(super) fn cell(raw: &str) -> String {
    let invisible = |c: char| matches!(c, '\u{feff}' | '\u{200b}');
    let plain = raw.split(invisible).collect::<String>();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = plain.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@');
    match quoted.or_else(|| plain.strip_prefix('\'').filter(|rest| rest.starts_with(formula))) {
        Some(meant) => meant.trim().to_owned(),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide_bytes(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn what_excel_writes_is_read() {
        let name = "Zo\u{eb} N\u{fa}\u{f1}ez";
        let marked = format!("\u{feff}{name}");
        for bytes in [
            name.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            wide_bytes(&marked, u16::to_le_bytes),
            wide_bytes(&marked, u16::to_be_bytes),
            wide_bytes(name, u16::to_le_bytes),
            wide_bytes(name, u16::to_be_bytes),
        ] {
            let decoded = decode(&bytes).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.note), (name, None), "{bytes:?}");
        }
        let old = decode(b"Zo\xeb \x96 \x80").unwrap();
        assert_eq!((old.text.as_str(), old.note), ("Zo\u{eb} \u{2013} \u{20ac}", Some(GUESSED)));
    }

    #[test]
    fn lines_end_one_way() {
        assert_eq!(decode(b"a\r\nb\rc\nd").unwrap().text, "a\nb\nc\nd");
    }

    #[test]
    fn what_is_no_text_is_told_so() {
        assert!(decode(b"PK\x03\x04rest").unwrap_err().contains("workbook"));
        assert!(decode(b"abc\0\0\0d").unwrap_err().contains("not a text file"));
    }

    #[test]
    fn a_cell_is_what_is_meant() {
        for (raw, meant) in [
            ("  Ada \u{a0} Lovelace\n", "Ada Lovelace"),
            ("=\"=1+1\"", "=1+1"),
            ("'=1+1", "=1+1"),
            ("'Twas", "'Twas"),
            ("\u{feff}a", "a"),
        ] {
            assert_eq!(cell(raw), meant);
        }
    }
}
