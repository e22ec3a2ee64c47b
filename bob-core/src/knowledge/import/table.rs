//! Comma-separated values (RFC 4180), with the columns named in the first row.

use csv::{ReaderBuilder, StringRecord};

use super::{FileDefaults, FileError, FileText, FileTextError, Lines, MAX_TEXTS, checked, decoded, shown};
use crate::knowledge::{Audience, KnowledgeText};

const COLUMNS: [&str; 6] = ["title", "body", "questions", "language", "url", "audience"];

/// Reads a table: columns `title` and `body`, and where they are there `questions` (with `|` between two), `language`,
/// `url` and `audience`, in any order.
///
/// Cells are text and nothing else: what a spreadsheet would compute stays as it is written. A semicolon or a tab may
/// stand between cells instead of a comma, as some spreadsheets write it.
///
/// # Errors
///
/// [`FileError`] when the file as a whole cannot be read.
pub fn read_table(file: &[u8], defaults: FileDefaults) -> Result<Vec<FileText>, FileError> {
    let text = decoded(file)?;
    let header = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|mark| {
        // The earlier of two that are there as often wins.
        (header.bytes().filter(|byte| byte == mark).count(), *mark == b',')
    });
    let delimiter = delimiter.unwrap_or(b',');
    if let Some(line) = open_quote(text, delimiter) {
        return Err(FileError::OpenQuote { line });
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = reader.records().filter_map(Result::ok);
    let columns = Columns::read(&rows.next().ok_or(FileError::Empty)?)?;
    let mut lines = Lines::of(text);
    let texts = rows.take(MAX_TEXTS + 1).map(|row| FileText {
        line: lines.at(begin_of(&row, text)),
        title: shown(columns.cell(&row, "title")),
        text: columns.text(&row, defaults),
    });
    checked(texts.collect())
}

/// Where a row begins: the reader counts the end of the line before to it, and empty lines.
fn begin_of(row: &StringRecord, text: &str) -> usize {
    let place = row.position().and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or_default();
    let rest = text.get(place..).unwrap_or_default();
    place + (rest.len() - rest.trim_start_matches(['\r', '\n']).len())
}

/// Which cell of a row is what.
struct Columns(Vec<&'static str>);

impl Columns {
    fn read(header: &StringRecord) -> Result<Self, FileError> {
        let mut columns = Vec::new();
        for cell in header {
            let name = cell.trim().to_ascii_lowercase();
            let Some(column) = COLUMNS.into_iter().find(|column| *column == name) else {
                return Err(FileError::Header(format!("there is no column \"{}\"", shown(cell))));
            };
            if columns.contains(&column) {
                return Err(FileError::Header(format!("{column} is there twice")));
            }
            columns.push(column);
        }
        for needed in ["title", "body"] {
            if !columns.contains(&needed) {
                return Err(FileError::Header(format!("{needed} is missing")));
            }
        }
        Ok(Self(columns))
    }

    /// A row's cell, empty where there is none.
    fn cell<'r>(&self, row: &'r StringRecord, column: &str) -> &'r str {
        let at = self.0.iter().position(|known| *known == column);
        at.and_then(|at| row.get(at)).unwrap_or_default().trim()
    }

    fn text(&self, row: &StringRecord, defaults: FileDefaults) -> Result<KnowledgeText, FileTextError> {
        if row.len() != self.0.len() {
            return Err(FileTextError::Cells);
        }
        let language = match self.cell(row, "language") {
            "" => defaults.language,
            tag => tag.parse().map_err(|_| FileTextError::Language)?,
        };
        let audience = match self.cell(row, "audience") {
            "" => defaults.audience,
            name => Audience::from_name(name).ok_or(FileTextError::Audience)?,
        };
        let questions = self.cell(row, "questions").split('|').map(str::trim);
        let text = KnowledgeText::new(language, self.cell(row, "title"), self.cell(row, "body"))?
            .asked_as(questions.filter(|question| !question.is_empty()).map(str::to_owned))?
            .for_audience(audience);
        match self.cell(row, "url") {
            "" => Ok(text),
            url => Ok(text.found_at(url)?),
        }
    }
}

/// The line of a cell whose quote is not closed: everything behind it would become one cell without a word.
fn open_quote(text: &str, delimiter: u8) -> Option<usize> {
    let (mut line, mut begins, mut quoted) = (1, true, None);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (quoted, byte) {
            (Some(_), b'"') if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (Some(_), b'"') => quoted = None,
            (None, b'"') if begins => quoted = Some(line),
            _ => {}
        }
        begins = quoted.is_none() && (byte == delimiter || matches!(byte, b'\n' | b'\r'));
        line += usize::from(byte == b'\n');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn read(file: &[u8]) -> Result<Vec<FileText>, FileError> {
        read_table(file, FileDefaults { language: Language::DE, audience: Audience::Public })
    }

    /// Each text as its line and its body, or the code of what is wrong with it.
    #[track_caller]
    fn check(file: &str, expected: &[(u64, &str)]) {
        let read = read(file.as_bytes()).unwrap_or_else(|error| panic!("{file:.60}: {error}"));
        let told = |read: &FileText| match &read.text {
            Ok(text) => (read.line, text.body().to_owned()),
            Err(error) => (read.line, error.code().to_owned()),
        };
        let expected: Vec<_> = expected.iter().map(|(line, body)| (*line, (*body).to_owned())).collect();
        assert_eq!(read.iter().map(told).collect::<Vec<_>>(), expected, "{file:.60}");
    }

    #[test]
    fn a_row_is_a_text_with_all_that_its_columns_say() {
        let file = "audience,Title,body,QUESTIONS,language,url\n\
                    staff,Returns,Within 30 days.,How long? | |When?,en-GB,https://shop.example/r\n\
                    ,Rückgabe,In 30 Tagen.,,,\n";
        let texts = read(file.as_bytes()).unwrap();
        let returns = KnowledgeText::new(Language::EN, "Returns", "Within 30 days.").unwrap();
        let returns = returns.asked_as(["How long?".to_owned(), "When?".to_owned()]).unwrap();
        let returns = returns.found_at("https://shop.example/r").unwrap().for_audience(Audience::Staff);
        assert_eq!((texts[0].line, texts[0].text.clone()), (2, Ok(returns)));
        let bare = KnowledgeText::new(Language::DE, "Rückgabe", "In 30 Tagen.").unwrap();
        assert_eq!((texts[1].line, texts[1].text.clone()), (3, Ok(bare)));
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for file in [
            "title,body\r\nA,One.\r\nB,Two.\r\n",
            "\u{feff}title,body\nA,One.\nB,Two.",
            "title;body\nA;One.\nB;Two.\n",
            "title\tbody\nA\tOne.\nB\tTwo.\n",
            "\"title\",\"body\"\n\"A\",\"One.\"\n\"B\",\"Two.\"\n",
            " TITLE , Body \n A , One. \n B , Two. \n",
        ] {
            check(file, &[(2, "One."), (3, "Two.")]);
        }
        check("title,body\n\nA,One.\n", &[(3, "One.")]);
        check(
            "title,body\nA,\"One,\r\nthe \"\"first\"\".\"\nB,Two.\n",
            &[(2, "One,\r\nthe \"first\"."), (4, "Two.")],
        );
        check("title,body\nPipe,5\" wide\n", &[(2, "5\" wide")]);
    }

    #[test]
    fn what_a_spreadsheet_would_compute_stays_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)", "=cmd|' /C calc'!A0"] {
            check(&format!("title,body\nA,{cell}\n"), &[(2, cell)]);
        }
    }

    #[test]
    fn a_text_that_does_not_fit_fails_by_itself() {
        let (long, longest) = ("x".repeat(20_001), "y".repeat(20_000));
        let (title, url) = ("t".repeat(201), format!("https://shop.example/{}", "u".repeat(2_000)));
        let (many, question) = ("q|".repeat(51), "q".repeat(301));
        let header = "title,body,questions,language,url,audience\n";
        for (row, code) in [
            (",body,,,,", "title"),
            ("A,,,,,", "body"),
            ("A,\" \n \",,,,", "body"),
            (&*format!("A,{long},,,,"), "body"),
            (&*format!("A,{longest},,,,"), &*longest),
            (&*format!("{title},body,,,,"), "title"),
            ("\"A\nB\",body,,,,", "title"),
            ("A,nul \0 inside,,,,", "body"),
            ("A\0,body,,,,", "title"),
            (&*format!("A,body,{many},,,"), "questions"),
            (&*format!("A,body,{question},,,"), "questions"),
            ("A,body,,english,,", "language"),
            ("A,body,,,javascript:alert(1),", "url"),
            ("A,body,,,//shop.example,", "url"),
            (&*format!("A,body,,,{url},"), "url"),
            ("A,body,,,,everybody", "audience"),
            ("A,body,,,,PUBLIC", "audience"),
            ("A,body", "cells"),
            ("A,body,,,,,", "cells"),
            ("A,with, a comma,,,,", "cells"),
        ] {
            let file = format!("{header}{row}\nGood,Well.,,,,\n");
            let next = 3 + row.matches('\n').count() as u64;
            check(&file, &[(2, code), (next, "Well.")]);
        }
    }

    #[test]
    fn a_title_comes_once_in_a_language() {
        check(
            "title,body,language\nA,One.,en\nA,Eins.,de\nA,Again.,en-GB\n A ,Again.,en\na,Small.,en\n",
            &[(2, "One."), (3, "Eins."), (4, "duplicate_title"), (5, "duplicate_title"), (6, "Small.")],
        );
    }

    #[test]
    fn a_file_that_cannot_be_told_apart_is_refused() {
        let header = |why: &str| FileError::Header(why.to_owned());
        let many = format!("title,body\n{}", "A,b\n".repeat(1_001));
        for (file, error) in [
            (&b""[..], FileError::Empty),
            (b"\xef\xbb\xbf", FileError::Empty),
            (b"title,body\n", FileError::Empty),
            (b"title,body\nA,b\nR\xfcckgabe,b\n", FileError::NotUtf8 { line: 3 }),
            (b"\xff\xfet\0i\0t\0l\0e\0", FileError::NotUtf8 { line: 1 }),
            (b"body\nA\n", header("title is missing")),
            (b"title\nA\n", header("body is missing")),
            (b"title,title,body\n", header("title is there twice")),
            (b"title,body,price\n", header("there is no column \"price\"")),
            (b"Returns,Within 30 days.\n", header("there is no column \"Returns\"")),
            (b"title,body,\n", header("there is no column \"\"")),
            (b"title,body\nA,\"open\nB,b\nC,c\n", FileError::OpenQuote { line: 2 }),
            (b"title,body\nA,\"closed\"\nB,\"open \"\" still\n", FileError::OpenQuote { line: 3 }),
            (many.as_bytes(), FileError::TooMany),
        ] {
            assert_eq!(read(file), Err(error), "{}", String::from_utf8_lossy(&file[..file.len().min(60)]));
        }
        assert_eq!(read(&many.as_bytes()[..many.len() - 4]).unwrap().len(), 1_000);
    }

    proptest::proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(file in "(title|body|[,;\"\n\r\t|é\0])*") {
            let _ = read(format!("title,body\n{file}").as_bytes());
            let _ = read(file.as_bytes());
        }
    }
}
