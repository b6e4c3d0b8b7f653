//! From a text to steps of a stack machine. The grammar is that of Rust's expressions, by `syn`; what it means, and
//! which units go together, is decided here.

use smallvec::SmallVec;
use syn::spanned::Spanned as _;
use syn::{BinOp, Expr, Lit, Member, UnOp};

use super::units::Unit;
use super::{ExpressionError, Function, Name};

/// Expressions are not deeper than this.
const DEEPEST: usize = 64;
/// Nor longer, in characters.
const LONGEST: usize = 2000;

/// What is said of an expression of another kind.
const FOREIGN: &str = "this does not belong into a score";

/// What is done with a stack of numbers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Step {
    /// A number comes on top.
    Number(f64),
    /// What a name stands for comes on top.
    Name(Name),
    /// The topmost changes its sign.
    Negate,
    /// The two topmost become one.
    Binary(Binary),
    /// So many become one.
    Call(Function, u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Step {
    /// Does it. What is missing of a stack is not a number; the steps of a parsed text never lack it.
    pub(super) fn apply(self, stack: &mut SmallVec<[f64; 16]>, value: &dyn Fn(Name) -> f64) {
        let mut take = || stack.pop().unwrap_or(f64::NAN);
        let result = match self {
            Self::Number(number) => number,
            Self::Name(name) => value(name),
            Self::Negate => -take(),
            Self::Binary(binary) => {
                let (right, left) = (take(), take());
                let truth = |is_true: bool| f64::from(u8::from(is_true));
                match binary {
                    Binary::Add => left + right,
                    Binary::Subtract => left - right,
                    Binary::Multiply => left * right,
                    Binary::Divide => left / right,
                    Binary::Less => truth(left < right),
                    Binary::AtMost => truth(left <= right),
                    Binary::Greater => truth(left > right),
                    Binary::AtLeast => truth(left >= right),
                }
            }
            Self::Call(function, count) => {
                let mut numbers: SmallVec<[f64; 8]> = (0..count).map(|_| take()).collect();
                numbers.reverse();
                call(function, &numbers)
            }
        };
        stack.push(result);
    }
}

fn call(function: Function, numbers: &[f64]) -> f64 {
    match (function, numbers) {
        (Function::Min, all) => {
            all.iter().copied().reduce(|one, other| if other < one { other } else { one })
        }
        (Function::Max, all) => {
            all.iter().copied().reduce(|one, other| if other > one { other } else { one })
        }
        (Function::Abs, [one]) => Some(one.abs()),
        (Function::Sqrt, [one]) => Some(one.sqrt()),
        (Function::Exp, [one]) => Some(libm::exp(*one)),
        (Function::Ln, [one]) => Some(libm::log(*one)),
        (Function::Floor, [one]) => Some(libm::floor(*one)),
        (Function::When, [which, then, otherwise]) => Some(if *which == 0.0 { *otherwise } else { *then }),
        _ => None,
    }
    .unwrap_or(f64::NAN)
}

/// The unit of a part of an expression; none of what was written as a number, or has such a factor.
type Known = Option<Unit>;

/// The steps of an expression.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, ExpressionError> {
    let whole = |message: String| ExpressionError { column: 0, message, help: None };
    if text.chars().count() > LONGEST {
        return Err(whole(format!("an expression of more than {LONGEST} characters")));
    }
    // The parser goes down as deep as brackets are nested.
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(whole(format!("brackets in more than {DEEPEST} others")));
        }
    }
    let tree: Expr = syn::parse_str(text).map_err(|error| {
        // The grammar has more kinds of expressions than are read here.
        let message = match error.to_string() {
            other if other.starts_with("unsupported expression") => FOREIGN.to_owned(),
            other => format!("this is no expression: {other}"),
        };
        let help = Some("as in `free.gpu / total.gpu - 0.3 * rtt_ms`".to_owned());
        ExpressionError { column: error.span().start().column, message, help }
    })?;
    let mut parser = Parser { steps: Vec::new() };
    parser.read(&tree, 0)?;
    Ok(parser.steps)
}

struct Parser {
    steps: Vec<Step>,
}

impl Parser {
    fn read(&mut self, tree: &Expr, depth: usize) -> Result<Known, ExpressionError> {
        if depth > DEEPEST {
            return Err(wrong(tree, format!("a sum or product of more than {DEEPEST} parts"), None));
        }
        match tree {
            Expr::Paren(inner) => self.read(&inner.expr, depth + 1),
            Expr::Group(inner) => self.read(&inner.expr, depth + 1),
            Expr::Lit(literal) => self.number(tree, &literal.lit),
            Expr::Path(_) | Expr::Field(_) => self.name(tree),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                let unit = self.read(&unary.expr, depth + 1)?;
                self.steps.push(Step::Negate);
                Ok(unit)
            }
            Expr::Binary(binary) => {
                let left = self.read(&binary.left, depth + 1)?;
                let right = self.read(&binary.right, depth + 1)?;
                self.binary(tree, &binary.op, left, right)
            }
            Expr::Call(called) => {
                let name = dotted(&called.func).unwrap_or_default();
                let units = called.args.iter().map(|one| self.read(one, depth + 1));
                let units = units.collect::<Result<Vec<_>, _>>()?;
                self.call(tree, &name, &units)
            }
            _ => {
                let help = "numbers, names, + - * /, < <= > >=, brackets and functions";
                Err(wrong(tree, FOREIGN.to_owned(), Some(help.to_owned())))
            }
        }
    }

    fn number(&mut self, tree: &Expr, literal: &Lit) -> Result<Known, ExpressionError> {
        let number = match literal {
            Lit::Int(int) if int.suffix().is_empty() => int.base10_parse::<f64>().ok(),
            Lit::Float(float) if float.suffix().is_empty() => float.base10_parse::<f64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        let number = number.ok_or_else(|| {
            wrong(tree, "this is no number".to_owned(), Some("as in `3`, `0.3` or `1e-3`".to_owned()))
        })?;
        self.steps.push(Step::Number(number));
        Ok(None)
    }

    fn name(&mut self, tree: &Expr) -> Result<Known, ExpressionError> {
        let text = dotted(tree).unwrap_or_default();
        let Some((name, _, unit, _)) = Name::ALL.iter().find(|(_, own, ..)| *own == text) else {
            let known: Vec<&str> = Name::ALL.iter().map(|(_, own, ..)| *own).collect();
            return Err(wrong(tree, format!("nothing is called `{text}`"), Some(advice(&text, &known))));
        };
        self.steps.push(Step::Name(*name));
        Ok(Some(*unit))
    }

    fn binary(
        &mut self,
        tree: &Expr,
        operator: &BinOp,
        left: Known,
        right: Known,
    ) -> Result<Known, ExpressionError> {
        let (binary, does) = match operator {
            BinOp::Add(_) => (Binary::Add, "adds"),
            BinOp::Sub(_) => (Binary::Subtract, "subtracts"),
            BinOp::Mul(_) => (Binary::Multiply, ""),
            BinOp::Div(_) => (Binary::Divide, ""),
            BinOp::Lt(_) => (Binary::Less, "compares"),
            BinOp::Le(_) => (Binary::AtMost, "compares"),
            BinOp::Gt(_) => (Binary::Greater, "compares"),
            BinOp::Ge(_) => (Binary::AtLeast, "compares"),
            _ => {
                let help = "there are + - * /, < <= > >= and functions".to_owned();
                return Err(wrong(tree, "this operator does not belong into a score".to_owned(), Some(help)));
            }
        };
        self.steps.push(Step::Binary(binary));
        match binary {
            // A number that is written down has whatever unit makes sense.
            Binary::Multiply => Ok(left.zip(right).map(|(left, right)| left.times(right, 1))),
            Binary::Divide => Ok(left.zip(right).map(|(left, right)| left.times(right, -1))),
            Binary::Add | Binary::Subtract => common(tree, does, &[left, right]),
            _ => common(tree, does, &[left, right]).map(|_| Some(Unit::ONE)),
        }
    }

    fn call(&mut self, tree: &Expr, name: &str, units: &[Known]) -> Result<Known, ExpressionError> {
        let Some((function, _, least, most)) = Function::ALL.iter().find(|(_, own, ..)| *own == name) else {
            let known: Vec<&str> = Function::ALL.iter().map(|(_, own, ..)| *own).collect();
            return Err(wrong(tree, format!("no function is called `{name}`"), Some(advice(name, &known))));
        };
        if !(*least..=*most).contains(&units.len()) {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(wrong(tree, format!("`{name}` takes {wanted} numbers, not {}", units.len()), None));
        }
        self.steps.push(Step::Call(*function, units.len() as u8));
        match function {
            Function::Min | Function::Max => common(tree, "compares", units),
            Function::Abs | Function::Floor => Ok(units[0]),
            Function::When => common(tree, "chooses between", &units[1..]),
            Function::Sqrt => Ok(units[0].and_then(Unit::root)),
            Function::Exp | Function::Ln => match units[0] {
                None | Some(Unit::ONE) => Ok(Some(Unit::ONE)),
                Some(unit) => {
                    let help =
                        "divide it by something of the same kind, or multiply it by a weight".to_owned();
                    Err(wrong(tree, format!("`{name}` of {unit}"), Some(help)))
                }
            },
        }
    }
}

/// The one unit of what is added or compared.
fn common(tree: &Expr, does: &str, units: &[Known]) -> Result<Known, ExpressionError> {
    let mut known = units.iter().flatten();
    let Some(first) = known.next() else { return Ok(None) };
    match known.find(|other| *other != first) {
        None => Ok(Some(*first).filter(|_| units.iter().all(Option::is_some))),
        Some(other) => {
            let help =
                "divide each by its total, or multiply one by a weight, as in `0.3 * rtt_ms`".to_owned();
            Err(wrong(tree, format!("this {does} {first} and {other}"), Some(help)))
        }
    }
}

/// A name with dots.
fn dotted(tree: &Expr) -> Option<String> {
    match tree {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(format!("{}.{name}", dotted(&field.base)?)),
            Member::Unnamed(_) => None,
        },
        _ => None,
    }
}

fn wrong(tree: &Expr, message: String, help: Option<String>) -> ExpressionError {
    ExpressionError { column: tree.span().start().column, message, help }
}

/// The name that may be meant, or all of them.
fn advice(text: &str, known: &[&str]) -> String {
    let near = known.iter().copied().map(|name| (strsim::damerau_levenshtein(text, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 2.max(text.len() / 3) => format!("did you mean `{name}`?"),
        _ => format!("known are {}", known.join(", ")),
    }
}
