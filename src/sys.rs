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
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap};
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
/// loaded from. It is left out of core dumps: for those the kernel would find memory for every page.
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
    // go through atomics. The advice is about what has just been mapped, and changes nothing that is stored there.
    unsafe {
        let start = mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, memory, 0)?;
        madvise(start, bytes, Advice::LinuxDontDump)?;
        Ok(std::slice::from_raw_parts(start.cast(), count))
    }
}

/// Has the allocator get blocks from `large` bytes on from the system, and give them back when they are freed; likewise what
/// is free at the end of the heap from `free` bytes on. Without the C library that has such limits nothing is done.
pub(crate) fn limit_what_allocator_keeps(large: i32, free: i32) {
    #[cfg(target_env = "gnu")]
    // SAFETY: two numbers; the library takes its own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, large);
        libc::mallopt(libc::M_TRIM_THRESHOLD, free);
    }
    #[cfg(not(target_env = "gnu"))]
    let _unused = (large, free);
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

/// Does something, such as starting a thread, with all signals held: a thread begins with those held that the one that starts
/// it holds, and is never the one that a signal interrupts.
pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are memory of our own; a full one is a valid mask, and so is the one that the kernel has put into
    // the other.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        started
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

/// Gives memory back to the system that has been freed and is kept for the next allocation.
#[cfg(feature = "stacks")]
pub(crate) fn trim_heap() {
    // SAFETY: it locks what malloc locks, and moves nothing that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// A thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadId(i32);

impl ThreadId {
    /// As the kernel counts it.
    pub(crate) fn number(self) -> i32 {
        self.0
    }
}

/// The calling thread.
pub(crate) fn this_thread() -> ThreadId {
    ThreadId(rustix::thread::gettid().as_raw_nonzero().get())
}

#[cfg(feature = "stacks")]
pub(crate) use stacks::{HANDLER, library_function, stack_of};

/// No thread's stack is known.
#[cfg(not(feature = "stacks"))]
pub(crate) fn stack_of(_: ThreadId) -> Vec<usize> {
    Vec::new()
}

#[cfg(not(feature = "stacks"))]
pub(crate) const HANDLER: &str = "no handler";

/// The stack of another thread: it is sent a signal, and notes its own in the handler.
#[cfg(feature = "stacks")]
mod stacks {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;
    use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
    use std::sync::{Mutex, Once};
    use std::time::Duration;

    use super::ThreadId;
    use crate::lock::lock;

    /// What the name of the handler's frame holds.
    pub(crate) const HANDLER: &str = "note_own_stack";
    /// Ignored by default, and by everybody who does not use urgent data of TCP: should it come late, it does no harm.
    const SIGNAL: i32 = libc::SIGURG;
    /// Calls noted at most.
    const DEPTH: usize = 96;
    /// For the thread to note them: it takes microseconds, unless the system holds the thread up.
    const PATIENCE: Duration = Duration::from_millis(100);

    const IDLE: usize = 0;
    /// A thread is asked.
    const ASKED: usize = 1;
    /// It is at it.
    const NOTING: usize = 2;
    /// It is done.
    const NOTED: usize = 3;

    static STAGE: AtomicUsize = AtomicUsize::new(IDLE);
    /// Who is asked.
    static THREAD: AtomicI32 = AtomicI32::new(0);
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static ADDRESSES: [AtomicUsize; DEPTH] = [const { AtomicUsize::new(0) }; DEPTH];
    /// One at a time.
    static ASKING: Mutex<()> = Mutex::new(());
    static INSTALLED: Once = Once::new();

    /// The addresses of the calls under way in `thread`, the innermost first, with those of the handler; none if it does
    /// not answer.
    pub(crate) fn stack_of(thread: ThreadId) -> Vec<usize> {
        let _alone = lock(&ASKING);
        INSTALLED.call_once(install);
        COUNT.store(0, Ordering::Relaxed);
        THREAD.store(thread.0, Ordering::Relaxed);
        STAGE.store(ASKED, Ordering::Release);
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        // SAFETY: a system call with three numbers. A thread that has ended is an error, not another's signal: threads are
        // asked while they are known to live.
        let sent = unsafe { libc::syscall(libc::SYS_tgkill, pid, thread.0, SIGNAL) };
        let step = Duration::from_millis(1);
        let mut waited = Duration::ZERO;
        while sent == 0 && waited < PATIENCE && STAGE.load(Ordering::Acquire) != NOTED {
            std::thread::sleep(step);
            waited += step;
        }
        // It begins no more; if it has begun, it is soon done.
        let _begun = STAGE.compare_exchange(ASKED, IDLE, Ordering::AcqRel, Ordering::Acquire);
        while STAGE.load(Ordering::Acquire) == NOTING {
            std::thread::sleep(step);
        }
        STAGE.store(IDLE, Ordering::Release);
        let count = COUNT.load(Ordering::Relaxed);
        let addresses = ADDRESSES[..count].iter();
        addresses
            .map(|address| address.load(Ordering::Relaxed))
            .collect()
    }

    /// The function that is called at `address`, as the dynamic linker knows it; `None` if it is not a shared library's.
    pub(crate) fn library_function(address: usize) -> Option<String> {
        let own = linked(library_function as fn(usize) -> Option<String> as usize)?;
        // Where it goes on once the call is over may be another function.
        let there = linked(address.checked_sub(1)?)?;
        if there.dli_fbase == own.dli_fbase {
            return None;
        }
        let text = |text: *const libc::c_char| {
            // SAFETY: a NUL-terminated string of the library, which is loaded: a call of it is under way.
            let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
            text.map(|text| text.to_string_lossy().into_owned())
        };
        text(there.dli_sname).or_else(|| {
            let file = text(there.dli_fname)?;
            let name = file.rsplit_once('/').map_or(&*file, |(_, name)| name);
            let offset = address.checked_sub(there.dli_fbase as usize)?;
            Some(format!("{offset:#x} of {name}"))
        })
    }

    fn linked(address: usize) -> Option<libc::Dl_info> {
        let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: any address will do; zeroes are a valid Dl_info, and it lives until the call is over.
        unsafe {
            let found = libc::dladdr(address as *const libc::c_void, info.as_mut_ptr()) != 0;
            found.then_some(info.assume_init())
        }
    }

    fn install() {
        // SAFETY: zeroes are a valid sigaction, and it lives until the call is over. The handler does only what handlers
        // may, see there. SA_RESTART leaves the thread's system calls as they were.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note_own_stack as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(SIGNAL, &action, std::ptr::null_mut());
        }
    }

    /// The handler: no allocation, no lock, and errno as it was.
    extern "C" fn note_own_stack(_: libc::c_int) {
        let own = super::this_thread().0;
        let asked = THREAD.load(Ordering::Relaxed) == own
            && STAGE
                .compare_exchange(ASKED, NOTING, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if !asked {
            return;
        }
        let mut count = 0;
        // SAFETY: errno is this thread's own. The walk goes through the unwinder of libgcc, which since glibc 2.35 finds
        // frames without a lock, and before with one that a thread may take twice; the closure stores numbers. `ASKING`
        // keeps other users of the walk in this program out.
        unsafe {
            let errno = *libc::__errno_location();
            backtrace::trace_unsynchronized(|frame| {
                ADDRESSES[count].store(frame.ip() as usize, Ordering::Relaxed);
                count += 1;
                count < DEPTH
            });
            *libc::__errno_location() = errno;
        }
        COUNT.store(count, Ordering::Relaxed);
        STAGE.store(NOTED, Ordering::Release);
    }
}
