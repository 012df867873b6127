//! The files that a bench leaves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{Advice, fadvise};

use super::load;
use super::report;
use super::results::{Results, replace};

/// Where results go.
pub struct Files {
    directory: PathBuf,
    /// By its whole path: a name alone would be looked for elsewhere.
    program: PathBuf,
}

impl Files {
    /// Into a directory, which is made. Its results are not written over, unless they are to be `resumed`.
    ///
    /// # Errors
    /// It cannot be made, or has results.
    pub fn in_directory(directory: &Path, resumed: bool) -> anyhow::Result<Files> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let whole = fs::canonicalize(directory);
        let whole = whole.with_context(|| format!("cannot find {}", directory.display()))?;
        let files = Files {
            directory: directory.to_owned(),
            program: whole.join("peppercorn"),
        };
        let results = files.results();
        if results.exists() && !resumed {
            let shown = results.display();
            bail!(
                "{shown} is there already: go on with it by --resume {shown}, or choose another --output"
            );
        }
        Ok(files)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The raw results.
    pub fn results(&self) -> PathBuf {
        self.directory.join("results.json")
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.directory.join("report.html")
    }

    /// Makes what runs need: wrk's script, and the copy of this program that is measured. Memory that it shared with us, who
    /// run beside it, would count by half.
    pub(super) fn prepare(&self) -> anyhow::Result<()> {
        let script = self.wrk_script();
        fs::write(&script, load::SCRIPT)
            .with_context(|| format!("cannot write {}", script.display()))?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let cannot = || format!("cannot write {}", self.program.display());
        fs::copy(program, &self.program).with_context(cannot)?;
        // What has just been written is in memory whole. Of one that has long been there only what is used is read again.
        let copy = fs::File::open(&self.program).with_context(cannot)?;
        copy.sync_all().with_context(cannot)?;
        fadvise(&copy, 0, None, Advice::DontNeed)?;
        Ok(())
    }

    /// What has wrk say all it has counted.
    pub(super) fn wrk_script(&self) -> PathBuf {
        self.directory.join("wrk.lua")
    }

    /// Where wrk says it.
    pub(super) fn wrk_output(&self) -> PathBuf {
        self.directory.join("wrk.out")
    }

    /// The copy of this program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Removes what nobody needs any more.
    pub(super) fn clear(&self) {
        for scratch in [&self.wrk_script(), &self.wrk_output(), &self.program] {
            // Not there if nothing was measured.
            let _absent = fs::remove_file(scratch);
        }
    }

    pub(super) fn write_results(&self, results: &Results) -> anyhow::Result<()> {
        results.write(&self.results())
    }

    pub(super) fn write_report(&self, results: &Results) -> anyhow::Result<()> {
        replace(&self.report(), report::html(results).as_bytes())
    }

    /// All that is made of the results.
    pub(super) fn write_all(&self, results: &Results) -> anyhow::Result<()> {
        self.write_results(results)?;
        self.write_report(results)?;
        for (name, svg) in report::plots(results) {
            replace(&self.directory.join(name), svg.as_bytes())?;
        }
        Ok(())
    }
}
