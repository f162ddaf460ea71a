//! A process of the test bed: started, killed and started again under one name, its output in a file.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use perennial_tests::until;

/// How long a process may take to end in its own way.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lines of its output that are shown where a test fails.
const LAST_LINES: usize = 20;

/// A program with its arguments, and the process that runs it now. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(String, String)>,
    folder: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// A process that has yet to be started; it works in `folder`, where its output is, too.
    pub(crate) fn new(name: &str, program: impl Into<PathBuf>, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            folder: folder.to_owned(),
            child: None,
        }
    }

    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it. Its output goes behind what was printed before.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let output = self.log();
        self.child = Some(self.command(output).spawn().unwrap_or_else(|error| self.not_started(&error)));
    }

    /// Starts it and waits until it has done its work, which must succeed; gives what it printed on its standard output.
    pub(crate) fn run(&self) -> String {
        let done = self.command(self.log()).stdout(Stdio::piped()).output();
        let done = done.unwrap_or_else(|error| self.not_started(&error));
        assert!(done.status.success(), "{} ended with {}:\n{}", self.name, done.status, self.output());
        String::from_utf8(done.stdout).unwrap()
    }

    /// SIGKILL: it dies between two instructions.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM: it stops in its own way, which is not waited for.
    pub fn tell_to_end(&self) {
        let id = self.id().unwrap_or_else(|| panic!("{} does not run", self.name));
        let told = Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap();
        assert!(told.success(), "kill -TERM ended with {told}");
    }

    /// Waits until it has stopped that was told to; how it ended.
    pub fn wait_until_ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        until(&format!("{} ends", self.name), PATIENCE, || child.try_wait().unwrap())
    }

    /// Its id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Fails where it has ended by itself.
    pub(crate) fn must_run(&mut self) {
        if let Some(status) = self.ended() {
            panic!("{} ended with {status}:\n{}", self.name, self.output());
        }
    }

    /// Starts it again where it has ended by itself, as whatever runs it in a cluster does.
    pub(crate) fn keep_running(&mut self) {
        if let Some(status) = self.ended() {
            println!("{} ended by itself with {status}, and is started again", self.name);
            self.child = None;
            self.start();
        }
    }

    /// How it has ended by itself, if it has.
    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().unwrap())
    }

    /// Everything it has printed.
    pub fn output(&self) -> String {
        fs::read_to_string(self.output_file()).unwrap_or_default()
    }

    fn output_file(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    fn log(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.output_file()).unwrap()
    }

    fn command(&self, log: File) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command
    }

    fn not_started(&self, error: &std::io::Error) -> ! {
        panic!("{}: {}: {error}; `make cloud` and `make build` bring it", self.name, self.program.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let output = self.output();
            let lines: Vec<&str> = output.lines().collect();
            let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
            eprintln!("--- the last that {} printed ---\n{}", self.name, last.join("\n"));
        }
    }
}
