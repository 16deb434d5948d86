//! What images and volumes have to do with.

use image::Error;

use super::{Code, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::StoreFull => Code::StorageFull,
            error => return Self::internal(error.to_string()),
        };
        Self::new(code, error.to_string())
    }
}
