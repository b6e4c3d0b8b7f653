//! The `dmsim` program; everything it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What runs make and drop is small and short-lived, message after message.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Whoever reads no further, as `head` does, ends the program quietly.
    sigpipe::reset();
    dmsim::cli::main()
}
