//! A blob from its file to the tar inside: counted, hashed and bounded on both sides of the decompression.

mod zstd;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::{Caps, Compression, Expected, Refusal, Teller, Told};

const BUFFER: usize = 128 << 10;
const PROGRESS_EVERY: u64 = 4 << 20;
/// Below this, a ratio says nothing: a few runs of zeroes reach any.
const RATIO_FROM: u64 = 64 << 20;

/// What readers on both sides of a decoder know of each other.
#[derive(Debug, Default)]
struct Shared {
    taken: Cell<u64>,
    /// The cause of an error that a decoder may have wrapped beyond recognition.
    cause: RefCell<Option<Failure>>,
}

impl Shared {
    fn fail(&self, failure: Failure) -> io::Error {
        self.cause.borrow_mut().get_or_insert(failure);
        io::Error::other("see the cause")
    }
}

/// The blob as it lies there.
struct Blob<'a> {
    file: File,
    hash: Sha256,
    /// More than what was promised is not even looked at.
    most: u64,
    told: u64,
    teller: &'a Teller,
    shared: Rc<Shared>,
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.file.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(self.shared.fail(error.into()));
            }
            other => other?,
        };
        self.hash.update(&buffer[..count]);
        let taken = self.shared.taken.get() + count as u64;
        self.shared.taken.set(taken);
        if taken > self.most {
            let detail = format!("more than the {} bytes that were promised", self.most);
            return Err(self.shared.fail(Failure::refused(Refusal::Size, detail)));
        }
        if taken - self.told >= PROGRESS_EVERY {
            self.told = taken;
            self.teller.tell(&Told::Progress { bytes: taken }).map_err(|gone| self.shared.fail(gone))?;
        }
        Ok(count)
    }
}

enum Decoder<'a> {
    Plain(BufReader<Blob<'a>>),
    Gzip(Box<MultiGzDecoder<BufReader<Blob<'a>>>>),
    Zstd(Box<zstd::Frames<BufReader<Blob<'a>>>>),
}

impl<'a> Decoder<'a> {
    fn new(mut blob: BufReader<Blob<'a>>, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::Plain => Self::Plain(blob),
            // All its members: gzip(1) and every builder that compresses in parallel write several (RFC 1952, 2.2).
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(blob))),
            Compression::Zstd => Self::Zstd(Box::new(zstd::Frames::new(blob))),
            Compression::Unknown => {
                let recognised = recognise(blob.fill_buf()?);
                Self::new(blob, recognised)?
            }
        })
    }

    fn into_blob(self) -> BufReader<Blob<'a>> {
        match self {
            Self::Plain(blob) => blob,
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(frames) => frames.into_inner(),
        }
    }
}

fn recognise(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A frame, or a skippable one before it (RFC 8878, 3.1).
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::Plain,
    }
}

/// What is inside the blob.
pub(crate) struct Stream<'a> {
    decoder: Decoder<'a>,
    hash: Sha256,
    out: u64,
    caps: Caps,
    shared: Rc<Shared>,
}

/// What a blob and its inside turned out to be.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) blob: Expected,
    pub(crate) diff_id: String,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(
        file: File,
        compression: Compression,
        expected: Option<&Expected>,
        caps: Caps,
        teller: &'a Teller,
    ) -> Result<Self, Failure> {
        let shared = Rc::<Shared>::default();
        let most = expected.map_or(u64::MAX, |expected| expected.size);
        let blob = Blob { file, hash: Sha256::new(), most, told: 0, teller, shared: Rc::clone(&shared) };
        let decoder = Decoder::new(BufReader::with_capacity(BUFFER, blob), compression)
            .map_err(|error| cause(&shared, &error))?;
        Ok(Self { decoder, hash: Sha256::new(), out: 0, caps, shared })
    }

    /// As [`Read::read_exact`], save that an end before the first byte is `false`.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, Failure> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.take(&mut buffer[filled..])? {
                0 if filled == 0 => return Ok(false),
                0 => return Err(Failure::malformed("the archive is cut short")),
                count => filled += count,
            }
        }
        Ok(true)
    }

    /// The next bytes; none at the end.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let count = loop {
            let result = match &mut self.decoder {
                Decoder::Plain(blob) => blob.read(buffer),
                Decoder::Gzip(decoder) => decoder.read(buffer),
                Decoder::Zstd(frames) => frames.read(buffer),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(cause(&self.shared, &error)),
                Ok(count) => break count,
            }
        };
        self.hash.update(&buffer[..count]);
        self.out += count as u64;
        if self.out > self.caps.bytes {
            return Err(Failure::refused(
                Refusal::TooManyBytes,
                format!("more than {} bytes come out of it", self.caps.bytes),
            ));
        }
        check_ratio(self.out, self.shared.taken.get(), &self.caps)?;
        Ok(count)
    }

    /// Reads on to the end: the diff_id counts what follows the last entry, too.
    pub(crate) fn finish(mut self) -> Result<Seen, Failure> {
        let mut buffer = vec![0; BUFFER];
        while self.take(&mut buffer)? > 0 {}
        let diff_id = digest(self.hash);
        Ok(Seen { blob: Self::drain(self.decoder, &self.shared)?, diff_id })
    }

    /// What the blob itself is, when its inside could not be read to the end.
    pub(crate) fn identify(self) -> Result<Expected, Failure> {
        Self::drain(self.decoder, &self.shared)
    }

    fn drain(decoder: Decoder<'a>, shared: &Shared) -> Result<Expected, Failure> {
        let mut blob = decoder.into_blob();
        io::copy(&mut blob, &mut io::sink()).map_err(|error| cause(shared, &error))?;
        let blob = blob.into_inner();
        Ok(Expected { digest: digest(blob.hash), size: shared.taken.get() })
    }
}

pub(crate) fn check_ratio(plain: u64, compressed: u64, caps: &Caps) -> Result<(), Failure> {
    if plain > RATIO_FROM && plain / u64::from(caps.ratio.max(1)) > compressed {
        let detail = format!("{plain} bytes come out of {compressed}");
        return Err(Failure::refused(Refusal::Ratio, detail));
    }
    Ok(())
}

fn cause(shared: &Shared, error: &io::Error) -> Failure {
    shared.cause.take().unwrap_or_else(|| Failure::malformed(error.to_string()))
}

pub(crate) fn digest(hash: Sha256) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    let hex: String = hash.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    format!("sha256:{hex}")
}
