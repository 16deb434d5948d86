use std::fs;
use std::sync::OnceLock;

use super::output;
use support::Temp;

/// `probe.c` as a program that needs no library, so that it runs over every image.
pub(crate) fn probe() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let temp = Temp::new();
        let source = temp.file("probe.c", include_str!("probe.c"));
        let made = temp.path().join("probe");
        let (source, to) = (source.to_str().expect("text"), made.to_str().expect("text"));
        output("cc", &["-O1", "-Wall", "-static", "-s", "-o", to, source]);
        fs::read(made).expect("the compiler made a program")
    })
}
