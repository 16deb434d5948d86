//! A seccomp filter that somebody put on Stockade from outside, as containers do.

use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use support::{Who, stockade};

/// One in a home, such as pyenv's, is not everybody's.
const PYTHON: &str = "/usr/bin/python3";

/// `NUMBER:ERRNO,…` or `NUMBER:ERRNO:ARGUMENT:VALUE,…`, then what it becomes.
const FILTER: &str = "
import ctypes, os, struct, sys
program = [(0x20, 0, 0, 0)]
for pair in sys.argv[1].split(','):
    number, errno, *argument = map(int, pair.split(':'))
    refused = [(0x06, 0, 0, 0x00050000 | errno)]
    if argument:
        index, value = argument
        refused = [(0x20, 0, 0, 16 + 8 * index), (0x15, 0, 1, value), *refused, (0x20, 0, 0, 0)]
    program += [(0x15, 0, len(refused), number), *refused]
program.append((0x06, 0, 0, 0x7fff0000))
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in program))
filter = struct.pack('HP', len(program), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, filter, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[2], sys.argv[2:])
";

pub(crate) fn no_python() -> Option<&'static str> {
    (!Path::new(PYTHON).exists()).then_some("there is no /usr/bin/python3")
}

/// The binary, still without arguments, where these system calls fail so.
pub(crate) fn filtered(who: Who, refused: &[(i64, Errno)]) -> Command {
    let pairs: Vec<_> = refused.iter().map(|(number, errno)| format!("{number}:{}", *errno as i32)).collect();
    behind(who, &pairs.join(","))
}

/// The same for one call, where this argument has this value.
pub(crate) fn filtered_at(who: Who, number: i64, (argument, value): (u32, u32), errno: Errno) -> Command {
    behind(who, &format!("{number}:{}:{argument}:{value}", errno as i32))
}

fn behind(who: Who, refused: &str) -> Command {
    let mut command = who.command(PYTHON);
    command.args(["-c", FILTER, refused]).arg(stockade());
    command
}
