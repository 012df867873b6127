//! A server that is measured: its start, its processes, its end.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::files::Files;
use super::pin;
use super::plan::{Kind, Plan, Server};
use super::processes::Tree;
use super::stop::Stop;
use crate::ping;
use crate::runtime::Clock;
use crate::sys;

/// For a server to answer, from its start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// For one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer that is looked at.
const MOST_BYTES: u64 = 64 << 20;
/// For a server to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Between looks at whether it is there, or gone.
const POLL: Duration = Duration::from_millis(20);

/// What servers are started with.
pub struct Starter<'a> {
    /// What is measured.
    pub plan: &'a Plan,
    /// Where the program is, and their output goes.
    pub files: &'a Files,
    /// Of each server's environment, beside our own.
    pub database_url: Option<&'a str>,
    /// For deadlines.
    pub clock: &'a Clock,
    /// Whether it was asked to end.
    pub stop: &'a Stop,
}

/// A server that answers. It ends with its owner.
pub struct Running<'a> {
    child: Child,
    url: String,
    log: PathBuf,
    clock: &'a Clock,
}

impl<'a> Starter<'a> {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// It ends or does not answer; it was asked to end meanwhile.
    pub fn start(&self, server: &Server) -> anyhow::Result<Running<'a>> {
        let (mut command, url) = self.command(server)?;
        let log = format!("{}.log", file_name(&server.name));
        let log = self.files.directory().join(log);
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        let other: File = file.try_clone()?;
        command
            .envs(self.database_url.map(|url| ("DATABASE_URL", url)))
            .stdin(Stdio::null())
            .stdout(other)
            .stderr(file)
            // Ctrl-C is for us.
            .process_group(0);
        sys::die_with_parent(&mut command, Signal::TERM);
        let child = pin::on(&self.plan.pin.server, || command.spawn())?;
        let child = child.with_context(|| format!("cannot start {}", server.name))?;
        let mut running = Running {
            child,
            url,
            log,
            clock: self.clock,
        };
        let probe = match server.kind {
            // Its connections to the database are open then.
            Kind::Layout(_) => "/readyz",
            Kind::Other { .. } => &self.plan.paths[0].path,
        };
        let waited = running.wait_until_it_answers(probe, self.stop);
        waited.with_context(|| {
            format!(
                "{} does not answer; see {}",
                server.name,
                running.log.display()
            )
        })?;
        Ok(running)
    }

    /// The command, and where it will answer.
    fn command(&self, server: &Server) -> anyhow::Result<(Command, String)> {
        let layout = match &server.kind {
            Kind::Other { command, url } => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(command);
                return Ok((shell, url.clone()));
            }
            Kind::Layout(layout) => layout,
        };
        let address = free_address().context("no port is free")?;
        let mut serve = Command::new(self.files.program());
        serve.arg("serve");
        if !self.plan.directory.is_empty() {
            serve.arg(&self.plan.directory);
        }
        serve.args([
            "--bind",
            &address,
            "--workers",
            &layout.workers.to_string(),
            "--threads",
            &layout.worker.threads.to_string(),
            "--executor",
            layout.worker.executor.word(),
        ]);
        // What would have it answer elsewhere, or tell systemd of itself.
        for name in [
            "PEPPERCORN_ADMIN_BIND",
            "LISTEN_FDS",
            "LISTEN_PID",
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
        ] {
            serve.env_remove(name);
        }
        Ok((serve, format!("http://{address}")))
    }
}

fn free_address() -> std::io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// A name as a file's.
fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

impl Running<'_> {
    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Its processes.
    pub fn tree(&self) -> Tree {
        Tree::below(self.child.id())
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// What it answers on a path: status and body.
    ///
    /// # Errors
    /// It does not answer.
    pub fn get(&self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let url = self.url(path);
        let got = ping::get(&url, MOST_BYTES, ANSWER_LIMIT, self.clock);
        let (status, body) = async_io::block_on(got).with_context(|| url.clone())?;
        Ok((status as u16, body))
    }

    fn wait_until_it_answers(&mut self, path: &str, stop: &Stop) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let why = match self.get(path) {
                Ok((200..300, _)) => return Ok(()),
                Ok((status, _)) => anyhow::anyhow!("{path}: the answer is {status}"),
                Err(error) => error,
            };
            if let Some(status) = self.ended() {
                bail!("it has ended with {status}");
            }
            if begin.elapsed() > START_LIMIT {
                return Err(why);
            }
            stop.check()?;
            sleep(POLL);
        }
    }

    fn signal(&self, signal: Signal) {
        // Only a group that is gone is not reached.
        let _gone = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let begin = Instant::now();
        while self.ended().is_none() && begin.elapsed() < STOP_LIMIT {
            sleep(POLL);
        }
        // Those that the first one has left, and it, if it does not want to.
        self.signal(Signal::KILL);
        let _status = self.child.wait();
    }
}
