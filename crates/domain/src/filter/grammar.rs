//! The grammar. docs/filter.md has it in EBNF; each rule there is a function here.

use std::ops::Range;

use uuid::Uuid;

use super::condition::{Bounds, Condition, Part, Quantity, Test};
use super::cursor::Parser;
use super::field::{FIELDS, Field, named_rank, seconds};
use super::token::{Kind, Operator, Token, Wrong};
use super::{MAX_COMPARISONS, MAX_DEPTH, lowered};
use crate::{Invalid, TaskId, TaskStatus, fields};

/// What a filter is made of.
pub(super) const CONDITION: &str = "a condition such as due < +7d, tag = work or overdue";

const EQUALITIES: [Operator; 2] = [Operator::Equal, Operator::Unequal];
const ORDERED: [Operator; 6] = [
    Operator::Equal,
    Operator::Unequal,
    Operator::Less,
    Operator::AtMost,
    Operator::Greater,
    Operator::AtLeast,
];

impl Parser<'_> {
    /// `filter = either ;`
    pub(super) fn filter(&mut self) -> Result<Condition, Wrong> {
        let condition = self.either(0)?;
        match self.peek() {
            None => Ok(condition),
            Some(_) => {
                Err(self.expected("and or or before it; names of several words go in \"quotation marks\""))
            }
        }
    }

    /// `either = both, { 'or', both } ;`
    fn either(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let mut parts = vec![self.both(depth)?];
        while self.took("or") {
            parts.push(self.both(depth)?);
        }
        Ok(Condition::any(parts))
    }

    /// `both = single, { 'and', single } ;`
    fn both(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let mut parts = vec![self.single(depth)?];
        while self.took("and") {
            parts.push(self.single(depth)?);
        }
        Ok(Condition::all(parts))
    }

    /// `single = 'not', single | '(', either, ')' | 'overdue' | 'recurring' | comparison ;`
    fn single(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let Some(first) = self.peek() else { return Err(self.expected(CONDITION)) };
        let is_not = first.is("not");
        if is_not || first.kind == Kind::Open {
            let depth = depth.saturating_add(1);
            if depth > MAX_DEPTH {
                let why = format!("is nested {depth} deep; at most {MAX_DEPTH} are read");
                return Err((first.at.clone(), why));
            }
            self.step();
            if is_not {
                return Ok(self.single(depth)?.opposite());
            }
            let inner = self.either(depth)?;
            if self.peek().is_some_and(|token| token.kind == Kind::Close) {
                self.step();
                return Ok(inner);
            }
            return Err(self.expected("and, or, or a closing parenthesis"));
        }
        let Kind::Word(word) = &first.kind else { return Err(self.expected(CONDITION)) };
        if first.is_joint() {
            return Err(self.expected(CONDITION));
        }
        self.comparisons = self.comparisons.saturating_add(1);
        if self.comparisons > MAX_COMPARISONS {
            let why = format!("begins one comparison more than the {MAX_COMPARISONS} that are read");
            return Err((first.at.clone(), why));
        }
        self.step();
        if first.is("recurring") {
            return Ok(Condition::Test(Test::Has(Part::Recurrence)));
        }
        if first.is("overdue") {
            let now = self.clock.instant().map_err(|why| (first.at.clone(), why))?;
            let passed = Test::Within(Quantity::Due, Bounds::Below(now));
            return Ok(Condition::all([passed, Test::Status(TaskStatus::Open)].map(Condition::Test)));
        }
        match Field::named(word) {
            Some(field) => self.comparison(field),
            None => {
                let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
                let why = format!("is no field: write one of {}, or overdue or recurring", names.join(", "));
                Err((first.at.clone(), why))
            }
        }
    }

    /// `comparison = field, operator, value ;`
    fn comparison(&mut self, field: Field) -> Result<Condition, Wrong> {
        let (list, allowed): (_, &[Operator]) = match field {
            Field::Of(_) => ("=, !=, <, <=, > or >=", &ORDERED),
            Field::Title => ("=, != or ~", &[Operator::Equal, Operator::Unequal, Operator::Contains]),
            _ => ("= or !=", &EQUALITIES),
        };
        let (at, operator) = match self.peek() {
            Some(Token { at, kind: Kind::Operator(operator) }) => (at.clone(), *operator),
            _ => return Err(self.expected(&format!("an operator: {list}"))),
        };
        if !allowed.contains(&operator) {
            return Err((at, format!("does not go with {}: write {list}", field.name())));
        }
        self.step();
        let test = match (field.part(), self.peek()) {
            (Some(part), Some(token)) if token.is("none") => {
                if !EQUALITIES.contains(&operator) {
                    return Err((token.at.clone(), "goes with = and != only".to_owned()));
                }
                self.step();
                let has = Condition::Test(Test::Has(part));
                return Ok(if operator == Operator::Unequal { has } else { has.opposite() });
            }
            _ => Condition::Test(self.value(field, operator)?),
        };
        Ok(if operator == Operator::Unequal { test.opposite() } else { test })
    }

    /// `value = 'none' | quantity, [ '..', quantity ] | name | id | 'open' | 'done' ;`
    fn value(&mut self, field: Field, operator: Operator) -> Result<Test, Wrong> {
        match field {
            Field::Of(quantity) => self.within(quantity, operator),
            Field::Tag => {
                self.text().and_then(|(at, text, _)| Ok(Test::Tag(checked(at, fields::name(&text, ""))?)))
            }
            Field::Project => {
                let (at, text, is_bare) = self.text()?;
                let id = (is_bare && text.len() == 36).then(|| Uuid::try_parse(&text).ok()).flatten();
                match id {
                    Some(id) => Ok(Test::Project(id)),
                    None => Ok(Test::ProjectNamed(checked(at, fields::name(&text, ""))?)),
                }
            }
            Field::Title => {
                let (at, text, _) = self.text()?;
                let line = checked(at, fields::line(&text, fields::MAX_TITLE, ""))?;
                let contains = operator == Operator::Contains;
                Ok(if contains { Test::TitleContains(lowered(&text)) } else { Test::TitleIs(line) })
            }
            Field::Parent => {
                let id = self.one("the id of a task, or none", TaskId::parse)?;
                Ok(Test::Parent(id))
            }
            Field::Status => self.one("open or done", |word| match word.to_ascii_lowercase().as_str() {
                "open" => Some(Test::Status(TaskStatus::Open)),
                "done" => Some(Test::Status(TaskStatus::Done)),
                _ => None,
            }),
            Field::Reminder => self.one("none", |_| None),
        }
    }

    /// `quantity, [ '..', quantity ]`, compared.
    fn within(&mut self, quantity: Quantity, operator: Operator) -> Result<Test, Wrong> {
        let (at, (mut from, mut to)) = self.quantity(quantity)?;
        if let Some(Token { at: dots, kind: Kind::Dots }) = self.peek() {
            if !EQUALITIES.contains(&operator) {
                return Err((dots.clone(), "makes a range, which goes with = and != only".to_owned()));
            }
            self.step();
            let (last_at, last) = self.quantity(quantity)?;
            // A day that the clocks skip is an empty stretch, printed as one that ends a millisecond before it begins.
            let slack = i64::from(!matches!(quantity, Quantity::Priority | Quantity::Duration));
            let is_skipped = last.0.saturating_add(slack) >= from;
            if last.1 <= from && !is_skipped {
                return Err((at.start..last_at.end, "ends before it begins".to_owned()));
            }
            (from, to) = (from, last.1);
        }
        let bounds = match operator {
            Operator::Less => Bounds::Below(from),
            Operator::AtMost => Bounds::Below(to),
            Operator::Greater => Bounds::From(to),
            Operator::AtLeast => Bounds::From(from),
            _ => Bounds::Between(from, to),
        };
        Ok(Test::Within(quantity, bounds))
    }

    /// One value of a quantity: where it begins and, exclusive, ends.
    fn quantity(&mut self, quantity: Quantity) -> Result<(Range<usize>, (i64, i64)), Wrong> {
        let unit = |value: i64| (value, value.saturating_add(1));
        let begin = self.next;
        let value = match quantity {
            Quantity::Priority => unit(self.one("none, low, medium, high or urgent", named_rank)?),
            Quantity::Duration => {
                unit(self.one("a duration such as PT1H30M or P2D, of 9,999 days at most", seconds)?)
            }
            _ => self.time()?,
        };
        let at = self.tokens.get(begin..self.next).and_then(|tokens| Some((tokens.first()?, tokens.last()?)));
        Ok((at.map_or(0..0, |(first, last)| first.at.start..last.at.end), value))
    }

    fn time(&mut self) -> Result<(i64, i64), Wrong> {
        let Some(Token { at, kind: Kind::Word(word) }) = self.peek() else {
            return Err(self.expected("a time such as today, +7d or 2026-12-01, without quotation marks"));
        };
        self.step();
        let next = self.peek();
        let following = match next {
            Some(Token { kind: Kind::Word(word), .. }) => Some(word.as_str()),
            _ => None,
        };
        let (read, words) = self.clock.read(word, following);
        let end = if words == 2 { next.map_or(at.end, |token| token.at.end) } else { at.end };
        if words == 2 {
            self.step();
        }
        read.map_err(|why| (at.start..end, why))
    }
}

/// What is wrong with a text, said of its words.
fn checked<T>(at: Range<usize>, read: Result<T, Invalid>) -> Result<T, Wrong> {
    read.map_err(|wrong| (at, wrong.errors.into_iter().map(|error| error.detail).collect()))
}
