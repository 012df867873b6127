//! The one file with `unsafe`: what the standard library and rustix leave to the program.
//!
//! Each function wraps one such call and argues why it is sound; `tests/it/tidy.rs` keeps `unsafe` from
//! spreading to other files.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::AtomicU64;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::process::{Signal, set_parent_process_death_signal};

/// Has the kernel send `signal` to the child when the thread that spawns it ends, so that a helper process
/// does not outlive a parent killed with SIGKILL.
///
/// The kernel watches the spawning *thread*: spawn from one that lives as long as the process.
pub(crate) fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    // SAFETY: the closure runs between fork and exec, where only async-signal-safe calls are allowed. It
    // makes two system calls, allocates nothing and touches no lock.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(signal))?;
            // The parent may have died before the call above: then nobody is left to send the signal.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::ErrorKind::NotFound.into());
            }
            Ok(())
        });
    }
}

/// Maps `count` words of shared memory, for as long as the process lives. Memory that is not `writable` may only be
/// loaded from.
///
/// The file behind `memory` must be that long and sealed against shrinking, else a load beyond its end is a SIGBUS.
pub(crate) fn share_words(
    memory: BorrowedFd<'_>,
    count: usize,
    writable: bool,
) -> io::Result<&'static [AtomicU64]> {
    let mut access = ProtFlags::READ;
    access.set(ProtFlags::WRITE, writable);
    let bytes = count * size_of::<AtomicU64>();
    // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing. It is never unmapped, so 'static holds;
    // it begins at a page, so it is aligned; zeroes and whatever other processes store are valid words, and all of them
    // go through atomics.
    unsafe {
        let start = mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, memory, 0)?;
        Ok(std::slice::from_raw_parts(start.cast(), count))
    }
}

/// Takes over a descriptor that this process was started with, and keeps it from those that it starts.
///
/// # Errors
/// No descriptor of this number is open.
pub(crate) fn inherited(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: borrowed for one call that fails for a number that is not open.
    fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) })?;
    // SAFETY: it is open, and the caller was handed it by its number and has not taken it before.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl_setfd(owned.as_fd(), FdFlags::CLOEXEC)?;
    Ok(owned)
}

/// Keeps signals waiting, or lets those that wait come. Affects the calling thread, and what it executes.
pub(crate) fn hold_signals(hold: bool) {
    // SAFETY: an empty or full set is made in memory of our own; a mask cannot be refused.
    unsafe {
        let mut set = std::mem::zeroed();
        match hold {
            true => libc::sigfillset(&mut set),
            false => libc::sigemptyset(&mut set),
        };
        libc::pthread_sigmask(libc::SIG_SETMASK, &set, ptr::null_mut());
    }
}

/// Becomes another program in the same process. Unlike `CommandExt::exec` it leaves the signal mask as it is: signals
/// that are held wait for the new program. Returns only when that failed.
pub(crate) fn execute(
    program: OsString,
    args: Vec<OsString>,
    environment: Vec<OsString>,
) -> io::Error {
    let owned = |words: Vec<OsString>| -> Result<Vec<CString>, _> {
        words
            .into_iter()
            .map(|word| CString::new(word.into_vec()))
            .collect()
    };
    let (Ok(program), Ok(args), Ok(environment)) = (
        CString::new(program.into_vec()),
        owned(args),
        owned(environment),
    ) else {
        return io::ErrorKind::InvalidInput.into();
    };
    let pointers = |words: &[CString]| -> Vec<*const libc::c_char> {
        let words = words.iter().map(|word| word.as_ptr());
        words.chain([ptr::null()]).collect()
    };
    // SAFETY: three pointers to NUL-terminated strings and lists that end with a null pointer; what they point to lives
    // until the call has failed.
    unsafe {
        libc::execve(
            program.as_ptr(),
            pointers(&args).as_ptr(),
            pointers(&environment).as_ptr(),
        );
    }
    io::Error::last_os_error()
}
