//! A running server, which ends when this process does.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::user::User;

/// The server's process, with the shell that watches over it. Dropped, it ends, and its folder is removed.
#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Child,
    /// Held: when it is closed, by whatever, the server ends.
    input: Option<ChildStdin>,
    server: Pid,
}

impl Keeper {
    /// Starts a program; what it prints goes to `log`.
    pub fn start<T: AsRef<OsStr>>(
        folder: &Path,
        log: &Path,
        user: Option<User>,
        environment: &[(&'static str, String)],
        program: &Path,
        arguments: &[T],
    ) -> Self {
        let mut command = Command::new("sh");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command
            .arg("-c")
            .arg(include_str!("keeper.sh"))
            .arg("sh")
            .arg(folder)
            .arg(log)
            .arg(program)
            .args(arguments);
        // Of its own group: who interrupts the tests does not interrupt it, too.
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        run_as(&mut command, user);
        let mut shell = command.spawn().unwrap_or_else(|error| panic!("sh: {error}"));
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = line
            .trim()
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .unwrap_or_else(|| panic!("no process id: {line:?}"));
        let input = shell.stdin.take();
        Self { shell, input, server }
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        // One that has ended stays, as a zombie, until the shell asks for it.
        self.state().is_some_and(|state| state != 'Z')
    }

    /// What the system says of it: `pid (name) state …`.
    fn state(&self) -> Option<char> {
        let told = fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        told.rsplit_once(") ")?.1.chars().next()
    }

    /// The server's process id.
    pub fn id(&self) -> u32 {
        self.server.as_raw_nonzero().get().unsigned_abs()
    }

    /// Ends it as if it had crashed, and keeps its folder.
    pub fn end(mut self) {
        if let Some(input) = &mut self.input {
            input.write_all(b"keep\n").unwrap();
        }
    }

    /// Asks it to end in its own way, and keeps its folder.
    pub fn end_gently(self) {
        kill_process(self.server, Signal::INT).unwrap();
        crate::until("the server ends", crate::server::PATIENCE, || (!self.runs()).then_some(()));
        self.end();
    }

    /// Stops it and its children where they are.
    pub fn freeze(&self) {
        // The server first: once it stands it starts no more of them.
        kill_process(self.server, Signal::STOP).unwrap();
        crate::until("the server stands", crate::server::PATIENCE, || {
            (self.state() == Some('T')).then_some(())
        });
        self.tell_children(Signal::STOP);
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.tell_children(Signal::CONT);
        kill_process(self.server, Signal::CONT).unwrap();
    }

    fn tell_children(&self, signal: Signal) {
        let id = self.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        for child in children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)) {
            // It may just have ended.
            let _ = kill_process(child, signal);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}

/// Lets a command run as somebody else.
pub(crate) fn run_as(command: &mut Command, user: Option<User>) {
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
}
