//! How much faster or slower a clock runs.

use std::borrow::Cow;

use serde_json::json;

use super::decode::{Plain, Problem, Scalar};
use crate::rule::Rule;

/// The most that a clock may be off: a tenth.
const PPM_MAX: i32 = 100_000;

/// Parts in a million; more than zero is faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drift(pub(crate) i32);

impl Plain for Drift {
    fn what() -> String {
        "parts in a million, as in `200ppm` or `-50ppm`".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Drift".into()
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^-?[0-9]+ppm$", "description": Self::what() })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        let number = scalar.text.strip_suffix("ppm");
        let number = number.and_then(|number| number.parse::<i32>().ok());
        let fits = |ppm: &i32| *ppm != 0 && ppm.checked_abs().is_some_and(|it| it <= PPM_MAX);
        let Some(ppm) = number.filter(fits) else {
            let message = format!("`{}` is not {}", scalar.text, Self::what());
            let hint = format!("not zero, and at most {PPM_MAX}ppm either way");
            return Err(Problem::new(Rule::BadNumber, message).hint(hint));
        };
        Ok(Self(ppm))
    }
}
