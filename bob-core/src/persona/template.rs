//! Templates: a persona's instructions with slots in them, which each turn fills.
//!
//! The language is small on purpose: `{{ slot }}`, and `if`, `elif`, `else` and `endif` over slots and texts in quotes.
//! Nothing in it repeats, calls or multiplies, so a template that was taken can be filled in every turn, and how long it
//! gets is known when it is written. What is in a slot is data and is never read as a template.

use std::fmt;

use minijinja::{Environment, UndefinedBehavior};

use super::slots::Slots;

/// The most characters of instructions with every slot at its longest.
pub const LONGEST_FILLED: usize = 16_000;

/// How deep conditions may stand in each other.
const DEEPEST: usize = 8;

/// The most words of a condition.
const LONGEST_CONDITION: usize = 32;

/// More steps than the longest template takes.
const FUEL: u64 = 50_000;

/// A template cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, in a sentence for its writer.
    pub problem: String,
}

/// Whether a text has anything to fill in.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|opening| text.contains(opening))
}

/// Holds that a template can be filled in every turn.
///
/// # Errors
///
/// Names the first line that is wrong, and the slot.
pub(super) fn check(text: &str) -> Result<(), TemplateError> {
    if !is_template(text) {
        return Ok(());
    }
    let longest = Reader { text, at: 0, depth: 0, longest: text.chars().count() }.read()?;
    if longest > LONGEST_FILLED {
        let problem = format!("filled in, it may have more than {LONGEST_FILLED} characters");
        return Err(TemplateError { line: 1, problem });
    }
    fill(text, &Slots::longest()).map(|_| ())
}

/// Fills in a template.
///
/// # Errors
///
/// None for a template that [`check`] took.
pub(super) fn fill(text: &str, slots: &Slots) -> Result<String, TemplateError> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.render_str(text, slots.context()).map_err(|error| TemplateError {
        line: error.line().unwrap_or(1),
        problem: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
    })
}

/// Reads every tag of a template and takes only what is known.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// The characters it may have when it is filled in.
    longest: usize,
}

/// One part of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    Text,
    Comparison,
}

impl<'t> Reader<'t> {
    fn read(mut self) -> Result<usize, TemplateError> {
        while let Some(next) = self.text[self.at..].find("{").map(|found| self.at + found) {
            self.at = next;
            match self.text[next..].get(..2) {
                Some("{{") => self.value()?,
                Some("{%") => self.statement()?,
                Some("{#") => self.comment()?,
                _ => self.at += 1,
            }
        }
        if self.depth > 0 {
            return self.wrong("an if has no endif");
        }
        Ok(self.longest)
    }

    fn comment(&mut self) -> Result<(), TemplateError> {
        match self.text[self.at + 2..].find("#}") {
            Some(end) => self.at += end + 4,
            None => return self.wrong("a comment has no #}"),
        }
        Ok(())
    }

    /// `{{ slot }}`
    fn value(&mut self) -> Result<(), TemplateError> {
        match self.tag("}}")?.as_slice() {
            [Token::Word(name)] => {
                self.longest += self.slot(name)?;
                Ok(())
            }
            _ => self.wrong("write {{ and the name of one slot and }}"),
        }
    }

    /// `{% if … %}` and the like.
    fn statement(&mut self) -> Result<(), TemplateError> {
        let tokens = self.tag("%}")?;
        let Some((Token::Word(keyword), condition)) = tokens.split_first() else {
            return self.wrong("there are if, elif, else and endif");
        };
        match *keyword {
            "if" => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return self.wrong(format!("more than {DEEPEST} conditions stand in each other"));
                }
                self.condition(condition)
            }
            "elif" => self.condition(condition),
            "else" if condition.is_empty() => Ok(()),
            "endif" if condition.is_empty() && self.depth > 0 => {
                self.depth -= 1;
                Ok(())
            }
            other => {
                self.wrong(format!("{} cannot stand here; there are if, elif, else and endif", shown(other)))
            }
        }
    }

    fn condition(&self, tokens: &[Token<'t>]) -> Result<(), TemplateError> {
        if tokens.len() > LONGEST_CONDITION {
            return self.wrong(format!("a condition has more than {LONGEST_CONDITION} words"));
        }
        for token in tokens {
            if let Token::Word(word) = token
                && !["and", "or", "not"].contains(word)
            {
                self.slot(word)?;
            }
        }
        Ok(())
    }

    /// The most characters of a slot.
    fn slot(&self, name: &str) -> Result<usize, TemplateError> {
        match Slots::longest_of(name) {
            Some(longest) => Ok(longest),
            None => self.wrong(format!("there is no slot {}; there are {}", shown(name), Slots::names())),
        }
    }

    /// The tokens of the tag that begins here, up to its end.
    fn tag(&mut self, end: &str) -> Result<Vec<Token<'t>>, TemplateError> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let mut tokens = Vec::new();
        let mut rest = &self.text[self.at + 2..];
        rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            if let Some(behind) = rest.strip_prefix(['-', '+']).unwrap_or(rest).strip_prefix(end) {
                self.at = self.text.len() - behind.len();
                return Ok(tokens);
            }
            let taken = match rest.chars().next() {
                None => return self.wrong(format!("{end} is missing")),
                Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                    let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                    tokens.push(Token::Word(&rest[..length]));
                    length
                }
                Some(quote @ ('"' | '\'')) => {
                    let closing = rest[1..].find([quote, '\\', '\n']);
                    let Some(length) = closing.filter(|at| rest[1 + at..].starts_with(quote)) else {
                        return self.wrong("a text in quotes ends on its line and has no backslash");
                    };
                    tokens.push(Token::Text);
                    length + 2
                }
                Some('=' | '!') if rest[1..].starts_with('=') => {
                    tokens.push(Token::Comparison);
                    2
                }
                Some(other) => return self.wrong(format!("{} cannot stand here", shown(other))),
            };
            rest = &rest[taken..];
        }
    }

    fn wrong<T>(&self, problem: impl Into<String>) -> Result<T, TemplateError> {
        let line = 1 + self.text[..self.at].matches('\n').count();
        Err(TemplateError { line, problem: problem.into() })
    }
}

/// A piece of what somebody wrote, short enough to be told back.
fn shown(text: impl fmt::Display) -> String {
    let text: String = text.to_string().chars().filter(|c| !c.is_control()).take(40).collect();
    format!("\u{201c}{text}\u{201d}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Door;
    use crate::language::Language;
    use crate::testing::fixture;

    fn slots(name: &str) -> Slots {
        let mut tenant = fixture::onboarding("shop").tenant;
        tenant.name = name.to_owned();
        tenant.hours = Some(fixture::nine_to_five());
        tenant.contact.phone = Some("040 123".to_owned());
        Slots::of(&tenant, Language::DE, Door::Widget, fixture::now())
    }

    #[test]
    fn slots_and_conditions_are_filled_in() {
        for (text, filled) in [
            ("You speak for {{ business.name }}.", "You speak for Shop."),
            ("{{business.contact.phone}}/{{- locale -}}/{{ channel }}", "040 123/de/widget"),
            ("{{ now.date }}, {{ hours.today }}", "2026-11-22, "),
            (
                "{% if hours.is_open %}open{% else %}until {{ hours.next_opening }}{% endif %}",
                "until 2026-11-23 09:00",
            ),
            ("{% if not hours.is_open and locale == 'de' %}Zu{% elif channel != \"}}\" %}?{% endif %}", "Zu"),
            ("{# a note #}{% if business.website %}see it{% endif %}.", "."),
            ("{ \"json\": {} } % {", "{ \"json\": {} } % {"),
            ("no slots", "no slots"),
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
            assert_eq!(fill(text, &slots("Shop")).unwrap(), filled, "{text}");
        }
    }

    #[test]
    fn what_is_in_a_slot_is_never_read_as_a_template() {
        for name in ["{{ locale }}", "{% if locale %}x{% endif %}", "{{ 7 * 7 }}", "<b>&\"'</b>", "{#"] {
            assert_eq!(fill("I am {{ business.name }}", &slots(name)).unwrap(), format!("I am {name}"));
        }
    }

    #[test]
    fn everything_else_is_refused_when_it_is_written_with_its_line() {
        let deep = "{% if locale %}".repeat(9) + &"{% endif %}".repeat(9);
        let deeper = "{% if locale %}".repeat(500);
        let brackets = format!("{{{{ {} }}}}", "(".repeat(3_000));
        let negations = format!("{{% if {} locale %}}{{% endif %}}", "not ".repeat(1_900));
        let long = "{{ business.contact.address }}".repeat(200);
        for text in [
            "{{ business.secret }}",
            "{{ business }}",
            "{{ name }}",
            "{{ self }}",
            "{{ loop }}",
            "{{ business.__class__ }}",
            "{{ ''.__class__.__mro__ }}",
            "{{ business.name.upper }}",
            "{{ business..name }}",
            "{{ business.name. }}",
            "{{ business['name'] }}",
            "{{ business.name | upper }}",
            "{{ business.name() }}",
            "{{ 'a' * 1000000000 }}",
            "{{ locale ~ locale }}",
            "{{ locale locale }}",
            "{{ 10 ** 9 }}",
            "{{ }}",
            "{{ [1, 2] }}",
            "{{ {'a': 1} }}",
            "{{ range(10) }}",
            "{{ debug }}",
            "{{ true }}",
            "{% for i in range(10**9) %}x{% endfor %}",
            "{% for i in locale %}x{% endfor %}",
            "{% include 'other' %}",
            "{% extends 'other' %}",
            "{% import 'other' as x %}",
            "{% macro a() %}{{ a() }}{% endmacro %}",
            "{% set a = locale %}",
            "{% set a = a ~ a %}",
            "{% with a = locale %}{% endwith %}",
            "{% raw %}{{ x }}{% endraw %}",
            "{% block a %}{% endblock %}",
            "{% call a() %}{% endcall %}",
            "{% autoescape true %}{% endautoescape %}",
            "{% do locale %}",
            "{% filter upper %}{% endfilter %}",
            "{% %}",
            "{% if %}{% endif %}",
            "{% if locale is defined %}{% endif %}",
            "{% if 'd' in locale %}{% endif %}",
            "{% if locale = 'de' %}{% endif %}",
            "{% if locale == %}{% endif %}",
            "{% if locale == 'a\\'b' %}{% endif %}",
            "{% if locale == 'a %}{% endif %}",
            "{% if locale %}",
            "{% endif %}",
            "{% else %}",
            "{% if locale %}{% else %}{% else %}{% endif %}",
            "{% if locale %}{% endif x %}",
            "{{ locale",
            "{{ locale %}",
            "{{",
            "{%",
            "{# never ends",
            "{{ lo\u{0}cale }}",
            "{{ löcale }}",
            "{{ \u{ff4c}ocale }}",
            &deep,
            &deeper,
            &brackets,
            &negations,
            &long,
        ] {
            let error = check(&format!("first\n{text}")).unwrap_err();
            let short: String = text.chars().take(60).collect();
            assert!((1..=2).contains(&error.line), "{short}: {error}");
            assert!(error.problem.len() < 500, "{short}: {error}");
        }
    }

    #[test]
    fn an_unknown_slot_is_named_with_its_line() {
        let error = check("One.\nTwo {{ locale }}.\nThree {{ business.motto }}.").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(
            error.to_string().starts_with("line 3: there is no slot “business.motto”; there are "),
            "{error}"
        );
    }

    #[test]
    fn the_longest_template_that_is_taken_can_be_filled_in() {
        let conditions = "{%if locale%}{%endif%}".repeat(360);
        assert_eq!(check(&conditions), Ok(()));
        let values = "{{locale}}".repeat(800);
        assert_eq!(check(&values), Ok(()));
        assert!(fill(&values, &Slots::longest()).unwrap().chars().count() <= LONGEST_FILLED);
    }
}
