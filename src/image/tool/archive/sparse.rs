//! Files with holes, in GNU tar's four forms: the old header, and 0.0, 0.1 and 1.0 in extended headers
//! (GNU tar manual, "Storing Sparse Files").

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::pax::{decimal, text};
use super::{Archive, BLOCK, Entry, Failure, number};

/// Of one file: bounds what a map takes in memory.
const MOST_PARTS: usize = 1 << 16;

/// (offset, length) of what is there, in ascending order and apart from each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sparse(pub(crate) Vec<(u64, u64)>);

/// What an extended header says about it.
#[derive(Default)]
pub(super) struct Described {
    major: Option<u64>,
    minor: Option<u64>,
    name: Option<Vec<u8>>,
    size: Option<u64>,
    offsets: Vec<u64>,
    parts: Vec<(u64, u64)>,
    seen: bool,
}

impl Described {
    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        self.seen = true;
        match key {
            b"major" => self.major = Some(decimal(value)?),
            b"minor" => self.minor = Some(decimal(value)?),
            b"name" => self.name = text(value)?,
            b"size" | b"realsize" => self.size = Some(decimal(value)?),
            b"offset" => self.offsets.push(decimal(value)?),
            b"numbytes" => self.parts.push((self.offsets.pop()?, decimal(value)?)),
            b"map" => {
                let numbers: Option<Vec<u64>> = value.split(|byte| *byte == b',').map(decimal).collect();
                let numbers = numbers?;
                if numbers.len() % 2 != 0 {
                    return None;
                }
                self.parts = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            }
            // How many there are is counted, not believed.
            b"numblocks" => (),
            _ => return None,
        }
        (self.parts.len() <= MOST_PARTS).then_some(())
    }
}

/// Gives the entry its map and true size, and leaves the archive at the first byte of what is there.
pub(super) fn apply(
    archive: &mut Archive<'_>,
    entry: &mut Entry,
    header: &Header,
    flag: u8,
    described: Described,
) -> Result<(), Failure> {
    let (parts, size) = match (flag, described.seen) {
        (b'S', true) => return Err(Failure::malformed("two maps of one sparse file")),
        (b'S', false) => old_form(archive, header)?,
        (_, false) => return Ok(()),
        (_, true) => {
            if let Some(name) = described.name {
                entry.path = name;
            }
            let parts = match (described.major, described.minor) {
                (Some(1), Some(0)) => map_ahead(archive)?,
                (None | Some(0), None | Some(0 | 1)) => described.parts,
                _ => return Err(Failure::malformed("a sparse file of an unknown form")),
            };
            (parts, described.size.ok_or_else(|| Failure::malformed("a sparse file without its size"))?)
        }
    };
    check(&parts, size, archive.left)?;
    (entry.size, entry.sparse) = (size, Some(Sparse(parts)));
    Ok(())
}

fn check(parts: &[(u64, u64)], size: u64, stored: u64) -> Result<(), Failure> {
    let mut end = 0;
    let mut sum = 0u64;
    for &(offset, length) in parts {
        let next = offset.checked_add(length).filter(|next| offset >= end && *next <= size);
        end = next.ok_or_else(|| Failure::malformed("a sparse file whose parts do not fit it"))?;
        // Below the size, so no overflow.
        sum += length;
    }
    if sum == stored { Ok(()) } else { Err(Failure::malformed("a sparse file whose parts are not there")) }
}

/// Four parts in the header, more in blocks behind it, which do not count as contents.
fn old_form(archive: &mut Archive<'_>, header: &Header) -> Result<(Vec<(u64, u64)>, u64), Failure> {
    let gnu =
        header.as_gnu().ok_or_else(|| Failure::malformed("a sparse file in a header that has no map"))?;
    let size = number::unsigned(&gnu.realsize, "a size")?;
    let mut parts = Vec::new();
    push_all(&mut parts, &gnu.sparse)?;
    let mut more = gnu.isextended[0] != 0;
    while more {
        let mut block = GnuExtSparseHeader::new();
        if !archive.stream.fill(block.as_mut_bytes())? {
            return Err(Failure::malformed("the archive is cut short"));
        }
        push_all(&mut parts, &block.sparse)?;
        more = block.isextended[0] != 0;
    }
    Ok((parts, size))
}

fn push_all(parts: &mut Vec<(u64, u64)>, fields: &[GnuSparseHeader]) -> Result<(), Failure> {
    for field in fields.iter().filter(|field| field.offset[0] != 0 && field.numbytes[0] != 0) {
        let offset = number::unsigned(&field.offset, "an offset")?;
        parts.push((offset, number::unsigned(&field.numbytes, "a length")?));
    }
    if parts.len() > MOST_PARTS {
        return Err(Failure::malformed("a sparse file of too many parts"));
    }
    Ok(())
}

/// Form 1.0: decimal lines in blocks at the start of the contents.
fn map_ahead(archive: &mut Archive<'_>) -> Result<Vec<(u64, u64)>, Failure> {
    let mut lines = Lines { archive, block: [0; BLOCK], at: BLOCK };
    let count = usize::try_from(lines.number()?).unwrap_or(usize::MAX);
    if count > MOST_PARTS {
        return Err(Failure::malformed("a sparse file of too many parts"));
    }
    (0..count).map(|_| Ok((lines.number()?, lines.number()?))).collect()
}

struct Lines<'a, 'b> {
    archive: &'a mut Archive<'b>,
    block: [u8; BLOCK],
    at: usize,
}

impl Lines<'_, '_> {
    fn number(&mut self) -> Result<u64, Failure> {
        let mut digits = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                _ if digits.len() > 20 => break,
                byte => digits.push(byte),
            }
        }
        decimal(&digits).ok_or_else(|| Failure::malformed("a sparse file with a broken map"))
    }

    fn byte(&mut self) -> Result<u8, Failure> {
        if self.at == BLOCK {
            let mut filled = 0;
            while filled < BLOCK {
                match self.archive.read(&mut self.block[filled..])? {
                    0 => return Err(Failure::malformed("a sparse file with a broken map")),
                    count => filled += count,
                }
            }
            self.at = 0;
        }
        self.at += 1;
        Ok(self.block[self.at - 1])
    }
}
