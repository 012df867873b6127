//! The binary: what `peppercorn::main` does with a folder of SQL files and nothing else.

use std::process::ExitCode;

use peppercorn::App;

fn main() -> ExitCode {
    peppercorn::main(App::new().sql_dir("sql"))
}
