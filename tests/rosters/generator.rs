//! Rosters of any size, the same for the same seed: invented people in the form of each format.

use fairlease::domain::roster::Format;
use fairlease::entropy::{Entropy, SeededEntropy};

const FIRST: [&str; 12] = [
    "Ada",
    "Zo\u{eb}",
    "Wei",
    "Jos\u{e9} Luis",
    "Anne-Marie",
    "\u{5c0f}\u{9f8d}",
    "D'Arcy",
    "Th\u{1ecb} H\u{1b0}\u{1a1}ng",
    "Bj\u{f6}rn",
    "Olu",
    "Siobh\u{e1}n",
    "X",
];
const LAST: [&str; 12] = [
    "Lovelace",
    "\u{c5}ngstr\u{f6}m",
    "van der Berg",
    "O'Malley",
    "Nguy\u{1ec5}n",
    "\u{674e}",
    "Garc\u{ed}a M\u{e1}rquez",
    "King",
    "M\u{fc}ller",
    "Okonkwo",
    "Smith",
    "de la Cruz",
];
const SECTIONS: [&str; 3] = [
    "CS-GY 9223 INET - Spring 2026, Lec 01",
    "CS-GY 9223 INET - Spring 2026, Lec 02",
    "CS-GY 9223 INET - Spring 2026, Recitation A1",
];

/// One invented student.
pub struct Student {
    /// Such as `ab1234`.
    pub net_id: String,
    first: &'static str,
    last: &'static str,
    section: &'static str,
}

/// So many students with different net IDs.
pub fn students(count: usize, seed: u64) -> Vec<Student> {
    let entropy = SeededEntropy::new(seed);
    let pick = |most: usize| usize::try_from(entropy.bits() % u64::try_from(most).unwrap()).unwrap();
    let letter = || char::from(b'a' + u8::try_from(pick(26)).unwrap());
    (0..count)
        .map(|number| Student {
            net_id: format!("{}{}{number}", letter(), letter()),
            first: FIRST[pick(FIRST.len())],
            last: LAST[pick(LAST.len())],
            section: SECTIONS[pick(SECTIONS.len())],
        })
        .collect()
}

/// A file of a format with so many students.
pub fn file(format: Format, count: usize, seed: u64) -> Vec<u8> {
    of(format, &students(count, seed))
}

/// A file of a format with these students.
pub fn of(format: Format, students: &[Student]) -> Vec<u8> {
    let header = match format {
        Format::Canvas => "\u{feff}Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (88120)",
        Format::Brightspace => {
            "OrgDefinedId,Username,Last Name,First Name,Email,Sections,Lab 1 Points Grade,End-of-Line Indicator"
        }
        Format::Gradescope => "First Name,Last Name,SID,Email,Role,Sections",
        Format::Plain => "net_id,name,mail,section,team,shares,cloud_user",
    };
    let mut lines = vec![header.to_owned()];
    if format == Format::Canvas {
        lines.push(",,,,,Manual Posting".to_owned());
        lines.push("    Points Possible,,,,,10.00".to_owned());
    }
    lines.extend(students.iter().enumerate().map(|(number, student)| line(format, number, student)));
    lines.join("\r\n").into_bytes()
}

fn line(format: Format, number: usize, student: &Student) -> String {
    let Student { net_id, first, last, section } = student;
    match format {
        Format::Canvas => {
            format!(
                "\"{last}, {first}\",{},N{},{net_id},\"{section}\",9.5",
                400_000 + number,
                17_000_000 + number
            )
        }
        Format::Brightspace => {
            format!("#{number:08},#{net_id},\"{last}\",{first},{net_id}@example.edu,\"{section}\",9.5,#")
        }
        Format::Gradescope => {
            format!("{first},\"{last}\",{},{net_id}@example.edu,Student,\"{section}\"", 17_000_000 + number)
        }
        Format::Plain => format!("{net_id},\"{first} {last}\",{net_id}@example.edu,\"{section}\",,1,"),
    }
}
