//! The text form of a filter: a small recursive-descent parser.

use serde_json::{Value, json};

use super::{Filter, FilterError, MAX_DEPTH, Op, plain};

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 4096;

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > MAX_TEXT {
        return Err(FilterError::TooLarge);
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let filter = parser.any()?;
    parser.space();
    if parser.at < text.len() { Err(parser.expected("`and`, `or` or the end")) } else { Ok(filter) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn expected(&self, why: &str) -> FilterError {
        let at = self.text.get(..self.at).map_or(0, |before| before.chars().count()) + 1;
        FilterError::Syntax { at, why: format!("expected {why}") }
    }

    fn eat(&mut self, symbol: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        found
    }

    /// A word stands alone: `order` does not begin with `or`.
    fn eat_word(&mut self, word: &str) -> bool {
        self.space();
        let rest = self.rest();
        let found = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && !rest.get(word.len()..).is_some_and(|after| after.starts_with(is_name));
        if found {
            self.at += word.len();
        }
        found
    }

    fn any(&mut self) -> Result<Filter, FilterError> {
        let first = self.all()?;
        let mut or = vec![first];
        while self.eat_word("or") {
            or.push(self.all()?);
        }
        Ok(if or.len() == 1 { or.swap_remove(0) } else { Filter::Or { or } })
    }

    fn all(&mut self) -> Result<Filter, FilterError> {
        let first = self.one()?;
        let mut and = vec![first];
        while self.eat_word("and") {
            and.push(self.one()?);
        }
        Ok(if and.len() == 1 { and.swap_remove(0) } else { Filter::And { and } })
    }

    fn one(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > 2 * MAX_DEPTH {
            return Err(FilterError::TooLarge);
        }
        let filter = if self.eat_word("not") {
            Filter::Not { not: Box::new(self.one()?) }
        } else if self.eat("(") {
            let inner = self.any()?;
            if !self.eat(")") {
                return Err(self.expected("`)`"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, FilterError> {
        let attribute = self.name()?;
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            if !self.eat_word("missing") {
                return Err(self.expected("`missing`"));
            }
            let missing = Filter::Compare { attribute, op: Op::Missing, value: Value::Null };
            return Ok(if negated { Filter::Not { not: Box::new(missing) } } else { missing });
        }
        if self.eat_word("in") {
            self.space();
            let value = if self.rest().starts_with('[') { self.list()? } else { self.value()? };
            if !value.is_array() && !value.is_object() {
                return Err(self.expected("a list"));
            }
            return Ok(Filter::Compare { attribute, op: Op::In, value });
        }
        let operators = [
            ("!=", Op::NotEqual),
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("=", Op::Equal),
            ("<", Op::Less),
            (">", Op::Greater),
        ];
        let Some((_, op)) = operators.into_iter().find(|(symbol, _)| self.eat(symbol)) else {
            return Err(self.expected("`=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `is`"));
        };
        Ok(Filter::Compare { attribute, op, value: self.value()? })
    }

    fn name(&mut self) -> Result<String, FilterError> {
        self.space();
        if self.eat("`") {
            let end = self.rest().find('`').ok_or_else(|| self.expected("a closing backtick"))?;
            let name = self.rest().get(..end).unwrap_or_default().to_owned();
            self.at += end + 1;
            return Ok(name);
        }
        let end = self.rest().find(|c| !is_name(c)).unwrap_or(self.rest().len());
        let name = self.rest().get(..end).unwrap_or_default();
        if name.is_empty() {
            return Err(self.expected("the name of an attribute"));
        }
        self.at += end;
        Ok(name.to_owned())
    }

    fn list(&mut self) -> Result<Value, FilterError> {
        if !self.eat("[") {
            return Err(self.expected("`[`"));
        }
        let mut values = Vec::new();
        if self.eat("]") {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value()?);
            if self.eat("]") {
                return Ok(Value::Array(values));
            }
            if !self.eat(",") {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        self.space();
        if self.eat_word("true") {
            return Ok(Value::Bool(true));
        }
        if self.eat_word("false") {
            return Ok(Value::Bool(false));
        }
        for of in ["context", "basket", "visitor"] {
            if self.rest().starts_with(of) && self.eat(&format!("{of}.")) {
                return Ok(json!({ of: self.name()? }));
            }
        }
        if self.rest().starts_with('"') {
            let mut read = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
            let text = read.next().and_then(Result::ok).ok_or_else(|| self.expected("a text in double quotes"))?;
            self.at += read.byte_offset();
            return Ok(Value::String(text));
        }
        let end = self.rest().find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(self.rest().len());
        let number = self.rest().get(..end).and_then(|text| text.parse::<f64>().ok()).filter(|n| n.is_finite());
        let number = number.ok_or_else(|| {
            self.expected("a number, a text in double quotes, true, false, context.NAME, basket.NAME or visitor.NAME")
        })?;
        self.at += end;
        Ok(plain(json!(number)))
    }
}

pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-' || c == '.' || c == ':'
}

/// Whether a name may begin with a character and be read without backticks.
pub(super) fn is_first(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether a name is a word of the language.
pub(super) fn is_word(name: &str) -> bool {
    ["not", "and", "or", "in", "is", "missing", "true", "false"].iter().any(|word| name.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(attribute: &str, op: Op, value: Value) -> Filter {
        Filter::Compare { attribute: attribute.into(), op, value }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let expected = Filter::Or {
            or: vec![
                compare("a", Op::Equal, json!(1)),
                Filter::And {
                    and: vec![compare("b", Op::Less, json!(2.5)), compare("order", Op::In, json!(["x", "y"]))],
                },
            ],
        };
        assert_eq!(Filter::parse(r#"a = 1 or b < 2.5 and order in ["x", "y"]"#), Ok(expected));
        let expected = Filter::Not { not: Box::new(compare("c", Op::Missing, Value::Null)) };
        assert_eq!(Filter::parse("c is not missing"), Ok(expected));
        let expected = compare("price", Op::AtMost, json!({"context": "price"}));
        assert_eq!(Filter::parse("price <= context.price"), Ok(expected));
        let expected = compare("brand", Op::In, json!({"visitor": "brand"}));
        assert_eq!(Filter::parse("brand in visitor.brand"), Ok(expected));
    }

    #[test]
    fn what_is_written_back_is_what_was_read() {
        for text in [
            "not (a = 1 and (b < 2 or c in [\"x\", 3])) and `or` is missing",
            "brand in basket.brand or price <= context.price",
            "`two words` != \"a \\\" b\"",
            "x is not missing",
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(Filter::parse(&filter.to_string()), Ok(filter.clone()), "{filter}");
            assert_eq!(serde_json::from_value::<Filter>(json!(text)).unwrap(), filter);
        }
    }

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        let json = |value: Value| Filter::from_json(&json!({"attribute": "a", "op": "in", "value": value})).unwrap();
        let expected = json(json!([5, 0.5, -2]));
        assert_eq!(expected.to_string(), "a in [5,0.5,-2]");
        assert_eq!(json(json!([5.0, 0.5, -2.0])), expected);
        assert_eq!(Filter::parse("a in [5.0, 5e-1, -2]").unwrap(), expected);
    }

    #[test]
    fn an_error_says_where() {
        for (text, at) in [("price <", 8), ("price ~ 3", 7), ("(a = 1", 7), ("a = 1 b = 2", 7), ("", 1), ("a in [1", 8)]
        {
            match Filter::parse(text) {
                Err(FilterError::Syntax { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn bombs_are_refused() {
        assert_eq!(Filter::parse(&"not ".repeat(500)), Err(FilterError::TooLarge));
        assert_eq!(Filter::parse(&format!("{}a = 1{}", "(".repeat(900), ")".repeat(900))), Err(FilterError::TooLarge));
        assert_eq!(Filter::parse(&["a = 1"; 200].join(" or ")), Err(FilterError::TooLarge));
        assert_eq!(Filter::parse(&"x".repeat(5000)), Err(FilterError::TooLarge));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,60}") {
            let _ = Filter::parse(&text);
        }

        #[test]
        fn text_and_json_forms_agree(n in -1e6..1e6_f64, name in "[a-z]{1,8}", text in "[^\\p{Cc}]{0,12}") {
            prop_assume!(!["not", "or", "and", "in", "is"].contains(&name.as_str()));
            let quoted = serde_json::to_string(&text).unwrap();
            let parsed = Filter::parse(&format!("{name} >= {n} and {name} != {quoted}")).unwrap();
            let json = serde_json::to_value(&parsed).unwrap();
            prop_assert_eq!(Filter::from_json(&json).unwrap(), parsed.clone());
            prop_assert_eq!(Filter::parse(&parsed.to_string()).unwrap(), parsed);
        }
    }
}
