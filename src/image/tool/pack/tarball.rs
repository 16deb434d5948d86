//! A tar in gzip as it is written: pax headers where ustar has no room (POSIX pax), hashed on both sides of the compression.

use std::fs::File;
use std::io::{self, Read, Write};

use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::super::archive::Time;
use super::super::failure::Failure;
use super::super::stream::{self, digest};
use super::super::{Caps, Expected, Refusal, Teller, Told};

const BLOCK: usize = 512;
const BUFFER: usize = 128 << 10;
const PROGRESS_EVERY: u64 = 4 << 20;
/// What the octal digits of a header hold: of a size, and of an id.
const LARGEST_SIZE: u64 = 0o77_777_777_777;
const LARGEST_ID: u32 = 0o7_777_777;

pub(super) struct Item<'a> {
    /// As the header has it.
    pub(super) kind: u8,
    pub(super) path: &'a [u8],
    pub(super) link: &'a [u8],
    pub(super) size: u64,
    pub(super) owner: (u32, u32),
    pub(super) mode: u32,
    pub(super) mtime: Time,
    pub(super) attributes: &'a [(Vec<u8>, Vec<u8>)],
}

impl<'a> Item<'a> {
    /// An empty file, of which the name is all that matters.
    pub(super) fn marker(path: &'a [u8]) -> Self {
        let (mode, mtime) = (0o600, Time::default());
        Self { kind: b'0', path, link: b"", size: 0, owner: (0, 0), mode, mtime, attributes: &[] }
    }
}

pub(super) struct Tarball<'a> {
    gzip: GzEncoder<Blob>,
    hash: Sha256,
    bytes: u64,
    told: u64,
    caps: Caps,
    teller: &'a Teller,
}

struct Blob {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Blob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<'a> Tarball<'a> {
    pub(super) fn new(file: File, caps: Caps, teller: &'a Teller) -> Self {
        let blob = Blob { file, hash: Sha256::new(), bytes: 0 };
        let gzip = GzEncoder::new(blob, flate2::Compression::default());
        Self { gzip, hash: Sha256::new(), bytes: 0, told: 0, caps, teller }
    }

    pub(super) fn header(&mut self, item: &Item<'_>) -> Result<(), Failure> {
        // Asked before anything is read: the hole of a sparse file is read for as long as its size says.
        if item.size > self.caps.bytes.saturating_sub(self.bytes) {
            return Err(self.too_many());
        }
        let records = records(item);
        if !records.is_empty() {
            let mut header = plain(b'x', b"././@PaxHeader", b"");
            header.set_mode(0o644);
            header.set_size(records.len() as u64);
            self.block(&mut header)?;
            self.put(&records)?;
            self.pad(records.len() as u64)?;
        }
        let mut header = plain(item.kind, item.path, item.link);
        header.set_mode(item.mode);
        header.set_uid(u64::from(if item.owner.0 > LARGEST_ID { 0 } else { item.owner.0 }));
        header.set_gid(u64::from(if item.owner.1 > LARGEST_ID { 0 } else { item.owner.1 }));
        header.set_size(if item.size > LARGEST_SIZE { 0 } else { item.size });
        header.set_mtime(u64::try_from(item.mtime.seconds).map_or(0, |seconds| seconds.min(LARGEST_SIZE)));
        self.block(&mut header)
    }

    /// Exactly `size` bytes, whatever the file has become meanwhile.
    pub(super) fn contents(&mut self, file: File, size: u64) -> Result<(), Failure> {
        let mut file = file.take(size);
        let mut left = size;
        let mut buffer = vec![0; BUFFER];
        while left > 0 {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.put(&buffer[..count])?;
            left -= count as u64;
        }
        buffer.fill(0);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(BUFFER);
            self.put(&buffer[..count])?;
            left -= count as u64;
        }
        self.pad(size)
    }

    pub(super) fn finish(mut self) -> Result<(Expected, String), Failure> {
        self.put(&[0; 2 * BLOCK])?;
        let blob = self.gzip.finish()?;
        blob.file.sync_all()?;
        // What would be refused where it is unpacked is not made.
        stream::check_ratio(self.bytes, blob.bytes, &self.caps)?;
        Ok((Expected { digest: digest(blob.hash), size: blob.bytes }, digest(self.hash)))
    }

    fn block(&mut self, header: &mut Header) -> Result<(), Failure> {
        header.set_cksum();
        self.put(header.as_bytes())
    }

    fn pad(&mut self, size: u64) -> Result<(), Failure> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        self.put(&[0; BLOCK][..(BLOCK - over) % BLOCK])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.caps.bytes {
            return Err(self.too_many());
        }
        self.hash.update(bytes);
        self.gzip.write_all(bytes)?;
        let written = self.gzip.get_ref().bytes;
        if written - self.told >= PROGRESS_EVERY {
            self.told = written;
            self.teller.tell(&Told::Progress { bytes: written })?;
        }
        Ok(())
    }

    fn too_many(&self) -> Failure {
        Failure::refused(Refusal::TooManyBytes, format!("more than {} bytes go into it", self.caps.bytes))
    }
}

fn plain(kind: u8, path: &[u8], link: &[u8]) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::new(kind));
    let old = header.as_old_mut();
    fit(&mut old.name, path);
    fit(&mut old.linkname, link);
    header
}

fn fit(field: &mut [u8; 100], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// What the header itself cannot say.
fn records(item: &Item<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    if item.path.len() > 100 {
        record(&mut records, b"path", item.path);
    }
    if item.link.len() > 100 {
        record(&mut records, b"linkpath", item.link);
    }
    if item.size > LARGEST_SIZE {
        record(&mut records, b"size", item.size.to_string().as_bytes());
    }
    for (key, id) in [(b"uid", item.owner.0), (b"gid", item.owner.1)] {
        if id > LARGEST_ID {
            record(&mut records, key, id.to_string().as_bytes());
        }
    }
    let Time { seconds, nanoseconds } = item.mtime;
    if nanoseconds > 0 && seconds >= 0 {
        record(&mut records, b"mtime", format!("{seconds}.{nanoseconds:09}").as_bytes());
    }
    for (name, value) in item.attributes {
        record(&mut records, &[b"SCHILY.xattr.", name.as_slice()].concat(), value);
    }
    records
}

/// A record begins with its length, of which these digits are a part.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}
