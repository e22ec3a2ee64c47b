//! Markdown (CommonMark, with tables): each heading of the first two levels begins a text.

use std::fmt::Write as _;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{FileDefaults, FileError, FileText, FileTextError, Lines, MAX_TEXTS, checked, decoded, shown};
use crate::knowledge::KnowledgeText;

/// The deepest level of a list that is shown by its distance: deeper ones would cost more than they say.
const DEEPEST_INDENT: usize = 8;

/// Reads a document: what stands below a heading of the first or second level is one text with that title, up to the
/// next. A heading above a further one, with nothing between them, is a chapter and no text.
///
/// Plain text is kept: links as their text with the address behind it, rows of tables and items of lists as lines. HTML
/// is dropped.
///
/// # Errors
///
/// [`FileError`] when the file as a whole cannot be read.
pub fn read_markdown(file: &[u8], defaults: FileDefaults) -> Result<Vec<FileText>, FileError> {
    let source = decoded(file)?;
    let mut sections = vec![Section { line: 1, level: HeadingLevel::H6, title: None, body: String::new() }];
    let mut plain = Plain::default();
    let mut lines = Lines::of(source);
    for (event, place) in
        Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter()
    {
        match event {
            Event::Start(Tag::Heading { level: level @ (HeadingLevel::H1 | HeadingLevel::H2), .. }) => {
                if let Some(last) = sections.last_mut() {
                    last.body = std::mem::take(&mut plain).done();
                }
                // One more than may be is enough to know that there are too many.
                if sections.len() > MAX_TEXTS * 2 {
                    return Err(FileError::TooMany);
                }
                sections.push(Section {
                    line: lines.at(place.start),
                    level,
                    title: None,
                    body: String::new(),
                });
            }
            Event::End(TagEnd::Heading(HeadingLevel::H1 | HeadingLevel::H2)) => {
                if let Some(last) = sections.last_mut() {
                    last.title = Some(std::mem::take(&mut plain).done());
                }
            }
            event => plain.take(event),
        }
    }
    if let Some(last) = sections.last_mut() {
        last.body = plain.done();
    }
    let below: Vec<Option<HeadingLevel>> =
        sections.iter().skip(1).map(|next| Some(next.level)).chain([None]).collect();
    let texts = sections.into_iter().zip(below).filter(|(section, below)| {
        let chapter = below.is_some_and(|below| below > section.level);
        let nothing = section.title.is_none() || chapter;
        !(section.body.is_empty() && nothing)
    });
    checked(texts.map(|(section, _)| section.text(defaults)).collect())
}

/// A heading and what stands below it.
struct Section {
    line: u64,
    level: HeadingLevel,
    /// None for what stands before the first heading.
    title: Option<String>,
    body: String,
}

impl Section {
    fn text(self, defaults: FileDefaults) -> FileText {
        let text = match &self.title {
            None => Err(FileTextError::Untitled),
            Some(title) => KnowledgeText::new(defaults.language, title, &self.body)
                .map(|text| text.for_audience(defaults.audience))
                .map_err(Into::into),
        };
        FileText { line: self.line, title: shown(&self.title.unwrap_or_default()), text }
    }
}

/// Plain text that is being written.
#[derive(Default)]
struct Plain {
    text: String,
    /// The next number of each open list, innermost last; none for one without numbers.
    lists: Vec<Option<u64>>,
    /// Where the texts of open links began, and what they lead to.
    links: Vec<(usize, String)>,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::Start(Tag::List(first)) => {
                self.begin_line();
                self.lists.push(first);
            }
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.begin_paragraph();
                }
            }
            Event::Start(Tag::Item) => self.begin_item(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.links.push((self.text.len(), dest_url.into_string()));
            }
            Event::End(TagEnd::Link) => self.end_link(),
            Event::End(TagEnd::TableCell) => self.text.push_str(" | "),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => self.end_row(),
            Event::Start(Tag::Paragraph) if self.lists.is_empty() => self.begin_paragraph(),
            Event::Start(Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_) | Tag::BlockQuote(_))
            | Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table)
            | Event::Rule => self.begin_paragraph(),
            // HTML is dropped; what is left changes how a text looks, not what it says.
            _ => {}
        }
    }

    fn begin_line(&mut self) {
        self.text.truncate(self.text.trim_end_matches([' ', '\n']).len());
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn begin_paragraph(&mut self) {
        self.begin_line();
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn begin_item(&mut self) {
        // The first item of a list keeps the distance of the list.
        if !self.text.ends_with('\n') {
            self.begin_line();
        }
        let depth = self.lists.len().saturating_sub(1).min(DEEPEST_INDENT);
        self.text.extend(std::iter::repeat_n("  ", depth));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                // Writing to a String cannot fail.
                let _ = write!(self.text, "{number}. ");
                *number += 1;
            }
            _ => self.text.push_str("- "),
        }
    }

    /// Puts the address behind a link's text, where it is one that people can use and does not stand there already.
    fn end_link(&mut self) {
        let Some((from, address)) = self.links.pop() else { return };
        let usable =
            ["https://", "http://", "mailto:", "tel:"].iter().any(|begin| address.starts_with(begin));
        let told = self.text.get(from..).is_some_and(|text| address.trim_start_matches("mailto:") == text);
        if usable && !told {
            let _ = write!(self.text, " ({address})");
        }
    }

    fn end_row(&mut self) {
        self.text.truncate(self.text.trim_end_matches([' ', '|']).len());
        self.text.push('\n');
    }

    fn done(self) -> String {
        self.text.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Audience;
    use crate::language::Language;

    fn read(file: &str) -> Result<Vec<FileText>, FileError> {
        read_markdown(file.as_bytes(), FileDefaults { language: Language::EN, audience: Audience::Public })
    }

    /// Each text as its line, title and body, or the code of what is wrong with it.
    #[track_caller]
    fn check(file: &str, expected: &[(u64, &str, &str)]) {
        let texts = read(file).unwrap_or_else(|error| panic!("{file:.60}: {error}"));
        let told: Vec<_> = texts
            .iter()
            .map(|read| {
                let text = match &read.text {
                    Ok(text) => text.body(),
                    Err(error) => error.code(),
                };
                (read.line, read.title.as_str(), text)
            })
            .collect();
        assert_eq!(told, expected, "{file:.60}");
    }

    #[test]
    fn each_heading_of_the_first_two_levels_begins_a_text() {
        let file = "# Returns\nWithin 30 days.\nUnworn.\n\nFree label.\n\n## Refunds ##\n\nFive days.\n### By card\nTen.\n\nShop\n====\nOpen.\n";
        check(
            file,
            &[
                (1, "Returns", "Within 30 days. Unworn.\n\nFree label."),
                (7, "Refunds", "Five days.\n\nBy card\n\nTen."),
                (13, "Shop", "Open."),
            ],
        );
    }

    #[test]
    fn a_heading_above_another_is_a_chapter() {
        check("# Help\n\n## Returns\nOne.\n", &[(3, "Returns", "One.")]);
        check("# Help\nOf ours.\n## Returns\nOne.\n", &[(1, "Help", "Of ours."), (3, "Returns", "One.")]);
        check("# A\n# B\nOne.\n", &[(1, "A", "body"), (2, "B", "One.")]);
        check("# A\n## B\n", &[(2, "B", "body")]);
    }

    #[test]
    fn lists_within_lists_are_set_in_up_to_a_bound() {
        let deep = format!("# Deep\n{}end\n", "- ".repeat(40));
        let texts = read(&deep).unwrap();
        let body = texts[0].text.as_ref().unwrap().body();
        let widest = body.lines().map(|line| line.len() - line.trim_start().len()).max();
        assert_eq!(widest, Some(2 * DEEPEST_INDENT), "{body}");
    }

    #[test]
    fn plain_text_is_kept_and_html_is_not() {
        for (source, text) in [
            ("**Bold**, *slanted*, ~~gone~~ and `code`.", "Bold, slanted, gone and code."),
            ("See [the list](https://shop.example/a \"t\").", "See the list (https://shop.example/a)."),
            ("See <https://shop.example>.", "See https://shop.example."),
            ("Write <help@shop.example>.", "Write help@shop.example."),
            ("[click](javascript:alert(1)) [here](/a)", "click here"),
            ("![a map](https://shop.example/map.png) below", "a map below"),
            ("<script>alert(1)</script>\n\nafter", "after"),
            ("a <b onclick=\"x()\">bold</b> <img src=x> word", "a bold  word"),
            ("1 &lt; 2 &amp; \\*so\\*", "1 < 2 & *so*"),
            ("- one\n- two\n  - deep\n\nafter", "- one\n- two\n  - deep\n\nafter"),
            ("3. three\n4. four", "3. three\n4. four"),
            ("text\n- one\n\n- two\n", "text\n- one\n- two"),
            (
                "| size | price |\n|---|---|\n| S | 5 |\n| L | 7 |\n\nafter",
                "size | price\nS | 5\nL | 7\n\nafter",
            ),
            ("```\nlet a = 1;\n```\nafter", "let a = 1;\n\nafter"),
            ("> quoted\n\nafter", "quoted\n\nafter"),
            ("one  \ntwo", "one\ntwo"),
            ("one\r\ntwo\r\n\r\nthree", "one two\n\nthree"),
            ("one\n\n---\n\ntwo", "one\n\ntwo"),
        ] {
            check(&format!("# T\n\n{source}\n"), &[(1, "T", text)]);
        }
        check(
            "# The [list](https://a.example) of *all*\nOne.\n",
            &[(1, "The list (https://a.example) of all", "One.")],
        );
    }

    #[test]
    fn what_does_not_fit_is_told_by_line() {
        let long = format!("# A\n{}\n# B\nOne.\n", "x".repeat(20_001));
        check(&long, &[(1, "A", "body"), (3, "B", "One.")]);
        check("hello\n\n# A\nOne.\n", &[(1, "", "untitled"), (3, "A", "One.")]);
        check("\u{feff}# A\nOne.\n\n# A\nTwo.\n", &[(1, "A", "One."), (4, "A", "duplicate_title")]);
        check(&format!("# {}\nOne.", "t".repeat(201)), &[(1, &"t".repeat(200), "title")]);
        check("#\nOne.\n# B\nTwo.", &[(1, "", "title"), (3, "B", "Two.")]);
        for (file, error) in [
            ("", FileError::Empty),
            ("\n \n", FileError::Empty),
            ("<!-- nothing -->", FileError::Empty),
            (&*"# A\nb\n".repeat(1_001), FileError::TooMany),
            (&*"# A\nb\n".repeat(9_000), FileError::TooMany),
        ] {
            assert_eq!(read(file), Err(error), "{file:.20}");
        }
        let latin1 = read_markdown(
            b"# A\nR\xfcckgabe",
            FileDefaults { language: Language::EN, audience: Audience::Public },
        );
        assert_eq!(latin1, Err(FileError::NotUtf8 { line: 2 }));
    }

    proptest::proptest! {
        #[test]
        fn no_document_makes_the_reader_panic(
            file in "([#*_`>|<\\-\\[\\]()\n 1.]|<b>|</b>|text|https://a.example)*",
        ) {
            if let Ok(texts) = read(&file) {
                for text in texts.iter().filter_map(|read| read.text.as_ref().ok()) {
                    proptest::prop_assert!(!text.body().is_empty());
                }
            }
        }
    }
}
