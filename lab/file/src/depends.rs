//! Dependency expressions: `and` over items, an item is a name or an `or` list.
//!
//! Facts: reference section 3.2, expression grammar; no `and` inside `or`.

use crate::rule::Rule;
use crate::syntax::Problem;

/// Names of one expression; more than a group sensibly holds.
const NAMES_MAX: usize = 256;

/// All items must be online; of each item one name suffices.
pub(crate) fn parse(text: &str) -> Result<Vec<Vec<String>>, Problem> {
    let words = words(text)?;
    if words.iter().filter(|word| is_name(word)).count() > NAMES_MAX {
        return Err(bad(format!("more than {NAMES_MAX} names")));
    }
    let mut parser = Parser {
        words: words.into_iter().peekable(),
    };
    parser.expression()
}

struct Parser<I: Iterator<Item = String>> {
    words: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = String>> Parser<I> {
    fn expression(&mut self) -> Result<Vec<Vec<String>>, Problem> {
        let mut items = vec![self.item()?];
        while let Some(word) = self.words.next() {
            match word.as_str() {
                "and" => items.push(self.item()?),
                "or" if items.len() == 1 => {
                    // `a or b` needs no parentheses while nothing else is there.
                    let more = self.alternatives()?;
                    if let Some(item) = items.first_mut() {
                        item.extend(more);
                    }
                    if self.words.peek().is_some_and(|next| next == "and") {
                        return Err(mixed());
                    }
                }
                "or" => return Err(mixed()),
                ")" => return Err(bad("a `)` has no `(`")),
                other => return Err(bad(format!("`and` or `or` is missing before `{other}`"))),
            }
        }
        Ok(items)
    }

    fn item(&mut self) -> Result<Vec<String>, Problem> {
        if self.words.peek().is_some_and(|next| next == "(") {
            self.words.next();
            let names = self.alternatives()?;
            return match self.words.next().as_deref() {
                Some(")") => Ok(names),
                Some("and") => Err(mixed()),
                _ => Err(bad("a `(` has no `)`")),
            };
        }
        Ok(vec![self.name()?])
    }

    fn alternatives(&mut self) -> Result<Vec<String>, Problem> {
        let mut names = vec![self.name()?];
        while self.words.next_if(|next| next == "or").is_some() {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<String, Problem> {
        match self.words.next() {
            Some(word) if is_name(&word) => Ok(word),
            Some(word) => Err(bad(format!("a name is missing before `{word}`"))),
            None => Err(bad("a name is missing at the end")),
        }
    }
}

fn is_name(word: &str) -> bool {
    !matches!(word, "and" | "or" | "(" | ")")
}

fn words(text: &str) -> Result<Vec<String>, Problem> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut words = Vec::new();
    for word in spaced.split_whitespace() {
        if is_name(word) && !crate::template::is_name(word) {
            return Err(bad(format!("`{word}` cannot be the name of a resource")));
        }
        words.push(word.to_owned());
    }
    Ok(words)
}

fn bad(reason: impl Into<String>) -> Problem {
    let reason = reason.into();
    Problem::new(
        Rule::BadDependency,
        format!("this dependency cannot be read: {reason}"),
    )
    .hint("write `name and disk`, or `disk and (ip1 or ip2)`")
}

fn mixed() -> Problem {
    Problem::new(Rule::AndInsideOr, "`and` and `or` are mixed")
        .hint("put the `or` list in parentheses: `disk and (ip1 or ip2)`; it may hold no `and`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<String> {
        let items = parse(text).unwrap_or_default();
        items.iter().map(|names| names.join("|")).collect()
    }

    fn rule(text: &str) -> Option<Rule> {
        parse(text).err().map(|problem| problem.rule)
    }

    #[test]
    fn and_lists_items_and_or_lists_alternatives() {
        assert_eq!(items("ip"), ["ip"]);
        assert_eq!(items("name and disk"), ["name", "disk"]);
        assert_eq!(items("ip-e or ip-w"), ["ip-e|ip-w"]);
        assert_eq!(items("disk and (ip1 or ip2)"), ["disk", "ip1|ip2"]);
        assert_eq!(
            items("(ip1 or ip2 or ip3) and disk"),
            ["ip1|ip2|ip3", "disk"]
        );
    }

    #[test]
    fn and_may_not_stand_inside_or() {
        for text in [
            "(a or b and c)",
            "(a and b) or c",
            "a or b and c",
            "a and b or c",
        ] {
            assert_eq!(rule(text), Some(Rule::AndInsideOr), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "", "a b", "a and", "(a", "a)", "and a", "((a))", "a & b", "a,b",
        ] {
            assert_eq!(rule(text), Some(Rule::BadDependency), "{text}");
        }
    }
}
