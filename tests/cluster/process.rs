//! Programs that end with the test process, however that ends.
//!
//! A shell holds the other end of a pipe: it starts what is named there, and when the pipe closes (the test process returned,
//! panicked, was killed) it ends those programs by their own ids and removes their folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// `$1`: the folder; `$2`: not empty to keep it. A signal to the whole group (Ctrl-C, a time limit) leaves the cleaning to the pipe's end.
const KEEPER: &str = r#"
trap : INT HUP TERM
pids=
while read -r name; do
  sh "$1/$name.sh" >"$1/$name.log" 2>&1 </dev/null &
  pids="$pids $!"
done
[ -z "$pids" ] || kill -KILL $pids
wait
[ -n "$2" ] || rm -rf "$1"
"#;

/// Runs programs in one temporary folder: `NAME.sh` is the command, `NAME.log` what it said.
pub(crate) struct Programs {
    pub(crate) folder: PathBuf,
    keeper: Mutex<Child>,
}

impl Programs {
    /// An empty folder and its keeper. `TRIMTAB_KEEP_PLANE` keeps the folder afterwards.
    pub(crate) fn new() -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("trimtab-plane-")
            .rand_bytes(16)
            .tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?.keep();
        let keep = std::env::var("TRIMTAB_KEEP_PLANE").unwrap_or_default();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(keep)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`sh` does not start: {error}"))?;
        Ok(Self {
            folder,
            keeper: Mutex::new(keeper),
        })
    }

    /// Starts `program ARGS` as `name`.
    pub(crate) fn start(&self, name: &str, program: &Path, args: &[String]) -> Result<(), String> {
        let mut command = format!("exec {}", quoted(&program.to_string_lossy()));
        for arg in args {
            command.push(' ');
            command.push_str(&quoted(arg));
        }
        fs::write(self.folder.join(format!("{name}.sh")), command + "\n").map_err(|error| error.to_string())?;
        let mut keeper = self.keeper.lock().unwrap();
        let pipe = keeper
            .stdin
            .as_mut()
            .expect("broken invariant: the keeper was started with a pipe");
        writeln!(pipe, "{name}")
            .and_then(|()| pipe.flush())
            .map_err(|error| format!("the keeper is gone: {error}"))
    }

    /// The last lines of what `name` said.
    pub(crate) fn said(&self, name: &str) -> String {
        let log = fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
