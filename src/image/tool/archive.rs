//! Entries of a tar archive, from a stream that is read once.
//!
//! `tar` gives the shape of a header block; where the next one begins is decided here alone, so that no two readings of one size can
//! drift apart (CVE-2025-62518): the size that counts is the extended header's where it names one, and only entries that can have
//! contents have any (as Go's `archive/tar` reads, which the other container tools are built on).

mod number;
mod pax;
mod sparse;

use tar::Header;

use super::attributes::{self, Attributes};
use super::failure::Failure;
use super::stream::Stream;
use super::{Caps, Refusal};
use pax::Extended;
pub(crate) use sparse::Sparse;

const BLOCK: usize = 512;
/// Of one extended header; the same bound as Go's.
const MOST_EXTENDED: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    Symlink,
    Directory,
    /// A device, fifo, or something that only one tar knows.
    Other,
}

impl Kind {
    fn of(flag: u8, path: &[u8]) -> Self {
        match flag {
            // Before POSIX, a directory was a file with a slash at its end.
            0 if path.ends_with(b"/") => Self::Directory,
            0 | b'0' | b'7' | b'S' => Self::File,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'5' => Self::Directory,
            _ => Self::Other,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    /// Of a file, with its holes.
    pub(crate) size: u64,
    pub(crate) sparse: Option<Sparse>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
    /// Name and value, as in xattr(7).
    pub(crate) attributes: Attributes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

pub(crate) struct Archive<'a> {
    stream: Stream<'a>,
    caps: Caps,
    /// Of the contents of the entry at hand: what was not read yet, and what fills its last block.
    left: u64,
    padding: u64,
    headers: u64,
}

/// What headers before an entry's own say about it.
#[derive(Default)]
struct Ahead {
    extended: Option<Extended>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.extended.is_none() && self.path.is_none() && self.link.is_none()
    }
}

impl<'a> Archive<'a> {
    pub(crate) fn new(stream: Stream<'a>, caps: Caps) -> Self {
        Self { stream, caps, left: 0, padding: 0, headers: 0 }
    }

    pub(crate) fn into_stream(self) -> Stream<'a> {
        self.stream
    }

    /// The next entry, whose contents [`Self::read`] gives then.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Failure> {
        let mut ahead = Ahead::default();
        loop {
            self.skip_contents()?;
            let Some(header) = self.header()? else {
                let whole = ahead.is_empty();
                return if whole {
                    Ok(None)
                } else {
                    Err(Failure::malformed("headers of no entry at the end"))
                };
            };
            let size = number::unsigned(&header.as_old().size, "a size")?;
            match header.as_old().linkflag[0] {
                b'x' => {
                    let text = self.extension(size, MOST_EXTENDED)?;
                    only_one(ahead.extended.replace(Extended::parse(&text)?))?;
                }
                // Of the whole archive: comments in practice. As elsewhere, it changes no entry.
                b'g' => drop(self.extension(size, MOST_EXTENDED)?),
                b'L' => only_one(ahead.path.replace(self.long_name(size)?))?,
                b'K' => only_one(ahead.link.replace(self.long_name(size)?))?,
                flag => return self.entry(&header, flag, size, ahead).map(Some),
            }
        }
    }

    /// The next bytes of the entry's contents; none at their end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        match self.stream.take(&mut buffer[..most])? {
            0 => Err(Failure::malformed("the archive is cut short")),
            count => {
                self.left -= count as u64;
                Ok(count)
            }
        }
    }

    fn header(&mut self) -> Result<Option<Header>, Failure> {
        let mut header = Header::new_old();
        if !self.stream.fill(header.as_mut_bytes())? {
            return Ok(None);
        }
        if is_zero(&header) {
            // Two such blocks are the end, or one at the end of the file; what comes behind is not ours.
            if self.stream.fill(header.as_mut_bytes())? && !is_zero(&header) {
                return Err(Failure::malformed("an empty header amid the archive"));
            }
            return Ok(None);
        }
        self.headers += 1;
        if self.headers > self.caps.entries {
            let detail = format!("more than {} entries", self.caps.entries);
            return Err(Failure::refused(Refusal::TooManyEntries, detail));
        }
        number::check_sum(&header)?;
        Ok(Some(header))
    }

    fn entry(&mut self, header: &Header, flag: u8, size: u64, ahead: Ahead) -> Result<Entry, Failure> {
        let Ahead { extended, path: long_path, link: long_link } = ahead;
        let mut extended = extended.unwrap_or_default();
        let path = one_of(extended.path.take(), long_path)?.unwrap_or_else(|| short_path(header));
        let link = one_of(extended.link.take(), long_link)?
            .unwrap_or_else(|| until_nul(&header.as_old().linkname).to_vec());
        let kind = Kind::of(flag, &path);
        // What comes after a link, a directory or a device is the next header, whatever size it claims.
        let contents = match flag {
            b'1'..=b'6' => 0,
            _ => extended.size.unwrap_or(size),
        };
        self.begin(contents);
        let old = header.as_old();
        let mut entry = Entry {
            kind,
            size: self.left,
            sparse: None,
            mode: number::small(&old.mode, "a mode")? & 0o7777,
            uid: extended.uid.map_or_else(|| number::small(&old.uid, "an owner"), Ok)?,
            gid: extended.gid.map_or_else(|| number::small(&old.gid, "a group"), Ok)?,
            mtime: extended.mtime.map_or_else(|| number::time(&old.mtime), Ok)?,
            attributes: std::mem::take(&mut extended.attributes),
            path,
            link,
        };
        if kind == Kind::File {
            sparse::apply(self, &mut entry, header, flag, extended.sparse)?;
        }
        Ok(entry)
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn skip_contents(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 16 << 10];
        // A size near the largest number cannot overflow: the cap on bytes ends it first.
        while self.read(&mut buffer)? > 0 {}
        // An archive may end before the padding of its last entry, as what umoci(1) inserts does.
        let mut padding = usize::try_from(std::mem::take(&mut self.padding)).unwrap_or(0);
        while padding > 0 {
            match self.stream.take(&mut buffer[..padding])? {
                0 => break,
                count => padding -= count,
            }
        }
        Ok(())
    }

    /// Contents that belong to the archive itself, in memory.
    fn extension(&mut self, size: u64, most: u64) -> Result<Vec<u8>, Failure> {
        if size > most {
            return Err(Failure::malformed(format!("an extended header of {size} bytes")));
        }
        self.begin(size);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.read(&mut bytes[filled..])?;
        }
        Ok(bytes)
    }

    /// GNU's form of a long path: as contents of an entry of its own, with a NUL at the end.
    fn long_name(&mut self, size: u64) -> Result<Vec<u8>, Failure> {
        let most = u64::from(self.caps.path_bytes) + 1;
        if size > most {
            return Err(Failure::refused(Refusal::PathTooLong, format!("a path of {size} bytes")));
        }
        let mut name = self.extension(size, most)?;
        let end = until_nul(&name).len();
        if name[end..].iter().any(|byte| *byte != 0) {
            return Err(Failure::malformed("a long path with a NUL byte"));
        }
        name.truncate(end);
        Ok(name)
    }
}

fn only_one<T>(before: Option<T>) -> Result<(), Failure> {
    before.map_or(Ok(()), |_| Err(Failure::malformed("two headers that say the same of one entry")))
}

/// Where two headers name it, tools differ in which they believe.
fn one_of(extended: Option<Vec<u8>>, long: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Failure> {
    match (extended, long) {
        (Some(_), Some(_)) => Err(Failure::malformed("two headers that name one entry")),
        (extended, long) => Ok(extended.or(long)),
    }
}

fn short_path(header: &Header) -> Vec<u8> {
    let name = until_nul(&header.as_old().name);
    match header.as_ustar().map(|ustar| until_nul(&ustar.prefix)) {
        Some(prefix) if !prefix.is_empty() => [prefix, b"/", name].concat(),
        _ => name.to_vec(),
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn is_zero(header: &Header) -> bool {
    header.as_bytes().iter().all(|byte| *byte == 0)
}
