//! The `dmsim` program; everything it does is in the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Whoever reads no further, as `head` does, ends the program quietly.
    sigpipe::reset();
    dmsim::cli::main()
}
