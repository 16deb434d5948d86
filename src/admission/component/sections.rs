//! The outermost sections of a component, without looking into them.

use std::ops::Range;

use wasmparser::BinaryReader;

/// `\0asm`, then version and layer.
const HEADER: usize = 8;

pub(super) const CUSTOM: u8 = 0;
pub(super) const IMPORT: u8 = 10;
pub(super) const EXPORT: u8 = 11;

#[derive(Debug)]
pub(super) struct Section {
    pub(super) id: u8,
    /// With its id and size.
    pub(super) whole: Range<usize>,
    pub(super) contents: Range<usize>,
}

impl Section {
    pub(super) fn reader<'a>(&self, component: &'a [u8]) -> BinaryReader<'a> {
        BinaryReader::new(&component[self.contents.clone()], self.contents.start)
    }
}

pub(super) fn sections(component: &[u8]) -> Result<Vec<Section>, wasmparser::Error> {
    let mut reader = BinaryReader::new(component, 0);
    reader.read_bytes(HEADER)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let start = reader.original_position();
        let id = reader.read_u8()?;
        let contents = reader.read_reader()?.range();
        sections.push(Section { id, whole: start..contents.end, contents });
    }
    Ok(sections)
}

#[cfg(test)]
mod tests;
