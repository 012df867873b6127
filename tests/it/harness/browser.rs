//! Chromium without a window, told what to do over the DevTools protocol: messages of JSON, each with a NUL behind it,
//! through a pipe, so it takes no port and no WebSocket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use serde_json::{Value, json};

use super::{Folder, PATIENCE, poll, wait};

/// It reads from descriptor 3 and writes to 4. Nothing of it is to look for a network: it would not end well, and it
/// takes time.
const START: &str = "exec chromium --headless --remote-debugging-pipe --user-data-dir=\"$0\" --no-first-run \
    --disable-gpu --disable-dev-shm-usage --disable-quic --disable-background-networking \
    --disable-component-update --disable-sync --no-proxy-server \"$@\" about:blank \
    3<&0 4>&1 0</dev/null 1>/dev/null 2>\"$0/log\"";

/// A browser with one page.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// The page's.
    session: Option<String>,
    last_id: u64,
    /// What it has told without being asked.
    events: Vec<Value>,
    profile: Folder,
}

impl Browser {
    /// Starts one, and has it open `url`.
    #[track_caller]
    pub fn open(url: &str) -> Browser {
        let profile = Folder::new();
        let mut command = Command::new("sh");
        command.arg("-c").arg(START).arg(profile.path());
        if geteuid().is_root() {
            // Its sandbox is made of rights that root's children have too many of.
            command.arg("--no-sandbox");
        }
        // With its children, so that none is left behind.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output
                .read_until(0, &mut message)
                .is_ok_and(|read| read > 0)
            {
                let value = serde_json::from_slice(&message[..message.len() - 1]);
                // Whoever asked may have gone.
                let _ = sender.send(value.unwrap());
                message.clear();
            }
        });
        let mut browser = Browser {
            commands: child.stdin.take().unwrap(),
            child,
            messages,
            session: None,
            last_id: 0,
            events: Vec::new(),
            profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Runtime", "Log", "Audits", "Network", "Page"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call("Page.navigate", json!({"url": url}));
        browser
    }

    /// What an expression comes to on the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", parameters);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].take()
    }

    /// The text of each element that a selector of CSS finds.
    #[track_caller]
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let found = format!(
            "[...document.querySelectorAll({})].map(element => element.innerText)",
            json!(selector)
        );
        serde_json::from_value(self.evaluate(&found)).unwrap()
    }

    /// Waits until a selector finds something, and gives its text.
    #[track_caller]
    pub fn await_text(&mut self, selector: &str) -> String {
        poll(selector, || self.texts(selector).into_iter().next())
    }

    /// Clicks on the first element that a selector finds, once there is one.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.await_text(selector);
        self.evaluate(&format!(
            "document.querySelector({}).click()",
            json!(selector)
        ));
    }

    /// What the page has failed at or been refused so far, and what it says about itself on the console.
    pub fn complaints(&self) -> Vec<String> {
        let complains = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] != "log",
            Some("Audits.issueAdded") => {
                event["params"]["issue"]["code"] == "ContentSecurityPolicyIssue"
            }
            _ => false,
        };
        let complaints = self.events.iter().filter(complains);
        complaints.map(Value::to_string).collect()
    }

    /// What servers have been asked for so far, the page itself among it: addresses.
    pub fn requested(&self) -> Vec<&str> {
        let events = self.events.iter();
        let requests = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = requests.map(|event| event["params"]["request"]["url"].as_str().unwrap());
        urls.filter(|url| !url.starts_with("data:") && !url.starts_with("blob:"))
            .collect()
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        // If it has ended, there is no answer either.
        let _ = self.commands.write_all(format!("{message}\0").as_bytes());
        loop {
            let mut message = match self.messages.recv_timeout(PATIENCE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => panic!("{method}: no answer: {}", self.log()),
                Err(RecvTimeoutError::Disconnected) => self.explain_end(),
            };
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    #[track_caller]
    fn explain_end(&mut self) -> ! {
        match wait(&mut self.child) {
            Some(127) => panic!("there is no chromium: it is in the Debian package chromium"),
            code => panic!("chromium ended ({code:?}): {}", self.log()),
        }
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.profile.path().join("log"));
        log.unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        wait(&mut self.child);
    }
}
