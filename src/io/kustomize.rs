//! kustomize, run once: the manifests, and what it hands to our function.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::environments::{Environment, Wiring};
use super::files::{self, FileError};
use super::functions::{self, Functions};
use super::kustomization::YamlFileError;
use super::manifests::{ManifestError, manifests};
use super::process::{Finished, ProcessError, Program};
use super::{capture, kustomization};
use crate::krm::below::Below;
use crate::krm::patch::Schema;
use crate::krm::{ListError, Object, ResourceList};
use crate::yaml::{self, Limits, ReadError};

/// Names the kustomize to use, where none is given as an argument.
pub const VARIABLE: &str = "TRIMTAB_KUSTOMIZE";

const ADVICE: &str = "install kustomize 5.0 or later (https://kubectl.docs.kubernetes.io/installation/kustomize/), \
                      or name it with `--kustomize PATH` or TRIMTAB_KUSTOMIZE";

/// How kustomize is run.
#[derive(Clone, Debug)]
pub struct Kustomize {
    program: OsString,
    /// Whether `kubectl kustomize` may stand in: only where the user named no program.
    may_use_kubectl: bool,
    /// Whether functions of others may run.
    pub allow_functions: bool,
}

/// What one build showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// The objects as the function gets them: final names and namespaces, kustomize's own annotations with the original
    /// names, generated names not hashed yet, our plan and profiles among them. Equal to `output` where nothing was captured.
    pub items: Vec<Object>,
    /// The policy after all its layers; absent where the environment has none.
    pub policy: Option<Value>,
    /// The objects as they would be applied, our own kinds among them.
    pub output: Vec<Object>,
    /// What kustomize said, such as warnings.
    pub talk: String,
    /// What a layer around this build stands on.
    pub below: Below,
}

/// Why there are no manifests.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Functions of others, which we do not run unasked.
    #[error(
        "building `{}` would run code that is not ours: {}; look at it, then pass `--allow-functions`",
        folder.display(),
        functions.join("; ")
    )]
    Foreign {
        /// What is built.
        folder: PathBuf,
        /// What would be run, described.
        functions: Vec<String>,
    },
    /// kustomize says no.
    #[error("kustomize can't build `{}`: {}", folder.display(), stderr.trim_end())]
    Refused {
        /// What is built.
        folder: PathBuf,
        /// What it says.
        stderr: String,
    },
    /// Several of our functions, of which one can't be told from the others.
    #[error("`{}` runs trimtab in a container more than once, which can't be followed from outside; use `exec` for the inner ones", folder.display())]
    NestedContainers {
        /// What is built.
        folder: PathBuf,
    },
    /// The build passed and our function did not run.
    #[error("kustomize built `{}` without running the function it lists", folder.display())]
    NotRun {
        /// What is built.
        folder: PathBuf,
    },
    /// What came out is not YAML.
    #[error("what kustomize built from `{}` can't be read: {error}", folder.display())]
    Output {
        /// What is built.
        folder: PathBuf,
        /// What is wrong.
        error: Box<ReadError>,
    },
    /// What came out is no list of objects.
    #[error("what kustomize built from `{}` can't be used: {error}", folder.display())]
    Items {
        /// What is built.
        folder: PathBuf,
        /// What is wrong.
        error: ListError,
    },
    /// A program can't be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file of the tree can't be read.
    #[error(transparent)]
    Yaml(#[from] YamlFileError),
    /// Plain manifests can't be used.
    #[error(transparent)]
    Manifests(#[from] ManifestError),
    /// A temporary file can't be made.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Kustomize {
    /// The kustomize named by the argument, by `TRIMTAB_KUSTOMIZE`, or the one in `PATH`.
    pub fn find(argument: Option<&Path>, allow_functions: bool) -> Self {
        let named = argument
            .map(|path| path.as_os_str().to_owned())
            .or_else(|| std::env::var_os(VARIABLE).filter(|named| !named.is_empty()));
        Self {
            may_use_kubectl: named.is_none(),
            program: named.unwrap_or_else(|| "kustomize".into()),
            allow_functions,
        }
    }

    /// The manifests of an environment and what its function would get, from one build.
    pub fn capture(&self, environment: &Environment) -> Result<Build, BuildError> {
        let folder = environment.folder.as_path();
        if !environment.has_kustomization {
            return plain_manifests(environment);
        }
        let tree = functions::find(folder, &|folder| self.build(folder))?;
        let build = self.capture_tree(environment, &tree)?;
        let schema = if tree.has_schema {
            Schema::Custom
        } else {
            Schema::BuiltIn
        };
        // nobody knows what a base elsewhere holds
        let shares_values = tree.shares_values || !tree.remote.is_empty();
        let below = Below::of(schema, shares_values, &build.items);
        Ok(Build { below, ..build })
    }

    fn capture_tree(&self, environment: &Environment, tree: &Functions) -> Result<Build, BuildError> {
        let folder = environment.folder.as_path();
        match &environment.wiring {
            Wiring::Transformers => {
                self.refuse_foreign(folder, tree)?;
                refuse_nested_containers(folder, tree)?;
                Capture::new(folder)?.run(self, folder)
            }
            // nothing of ours runs in there, so functions stay off and a remote base can do no harm
            Wiring::Beside(policy) if tree.ours.is_empty() && (!tree.remote.is_empty() || self.is_missing()) => {
                let policy = read_policy(policy)?;
                let (output, talk) = self.build_plain(folder)?;
                Ok(Build {
                    items: output.clone(),
                    policy: Some(policy),
                    output,
                    talk,
                    below: Below::default(),
                })
            }
            Wiring::Beside(policy) => {
                self.refuse_foreign(folder, tree)?;
                refuse_nested_containers(folder, tree)?;
                let capture = Capture::new(folder)?;
                let wrapper = capture.wrap(folder, read_policy(policy)?)?;
                capture.rooted(&wrapper)?.run(self, &wrapper)
            }
        }
    }

    /// The objects of a kustomization that runs no functions.
    pub fn build(&self, folder: &Path) -> Result<Vec<Object>, BuildError> {
        self.build_plain(folder).map(|(output, _)| output)
    }

    fn build_plain(&self, folder: &Path) -> Result<(Vec<Object>, String), BuildError> {
        let plain = |program: &OsString, command: &str| Program::new(program, ADVICE).arg(command).arg(folder).run();
        let finished = match plain(&self.program, "build") {
            Err(ProcessError::Missing { .. }) if self.may_use_kubectl => match plain(&"kubectl".into(), "kustomize") {
                // kustomize is what we asked for, so that is what is missing
                Err(ProcessError::Missing { .. }) => plain(&self.program, "build"),
                other => other,
            },
            other => other,
        }?;
        output(folder, finished)
    }

    /// Whether the program can't be started at all.
    fn is_missing(&self) -> bool {
        matches!(
            Program::new(&self.program, ADVICE).arg("version").run(),
            Err(ProcessError::Missing { .. })
        )
    }

    fn refuse_foreign(&self, folder: &Path, tree: &Functions) -> Result<(), BuildError> {
        let remote = tree
            .remote
            .iter()
            .map(|entry| format!("`{entry}` is not on this machine and may name any program"));
        let functions: Vec<String> = tree.foreign.iter().cloned().chain(remote).collect();
        if self.allow_functions || functions.is_empty() {
            return Ok(());
        }
        Err(BuildError::Foreign {
            folder: folder.to_owned(),
            functions,
        })
    }
}

/// The manifests and the policy of a folder without a kustomization.
fn plain_manifests(environment: &Environment) -> Result<Build, BuildError> {
    let items = manifests(&environment.folder)?;
    let policy = match &environment.wiring {
        Wiring::Beside(policy) => Some(read_policy(policy)?),
        Wiring::Transformers => None,
    };
    Ok(Build {
        output: items.clone(),
        items,
        policy,
        talk: String::new(),
        below: Below::default(),
    })
}

/// A container's client is started in no particular folder, so the outermost function can't be told from inner ones.
fn refuse_nested_containers(folder: &Path, tree: &Functions) -> Result<(), BuildError> {
    if tree.ours.len() > 1 && tree.ours.iter().any(|ours| ours.in_container) {
        return Err(BuildError::NestedContainers {
            folder: folder.to_owned(),
        });
    }
    Ok(())
}

fn read_policy(path: &Path) -> Result<Value, BuildError> {
    let text = files::read(path, Limits::POLICY.bytes)?;
    yaml::read_one(&text, &Limits::POLICY).map_err(|error| YamlFileError::yaml(path, text)(error).into())
}

fn output(folder: &Path, finished: Finished) -> Result<(Vec<Object>, String), BuildError> {
    let Finished {
        succeeded,
        stdout,
        stderr,
    } = finished;
    if !succeeded {
        return Err(BuildError::Refused {
            folder: folder.to_owned(),
            stderr,
        });
    }
    let documents = yaml::read_all(&stdout, &Limits::STREAM).map_err(|error| BuildError::Output {
        folder: folder.to_owned(),
        error: Box::new(error),
    })?;
    Ok((documents.into_iter().map(|document| document.value).collect(), stderr))
}

/// A private folder with a link to ourselves, in front of `PATH` for one build.
struct Capture {
    folder: tempfile::TempDir,
    root: PathBuf,
}

impl Capture {
    fn new(root: &Path) -> Result<Self, BuildError> {
        let temporary = Path::new("a temporary folder");
        let folder = tempfile::tempdir().map_err(FileError::new("make", temporary))?;
        let ourselves = std::env::current_exe().map_err(FileError::new("find", Path::new("trimtab")))?;
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).map_err(FileError::new("make", &programs))?;
        for name in ["trimtab", capture::CONTAINER_CLIENT] {
            let name = programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            link(&ourselves, &name).map_err(FileError::new("link", &name))?;
        }
        Self {
            folder,
            root: PathBuf::new(),
        }
        .rooted(root)
    }

    /// Captures the function of another folder.
    fn rooted(mut self, root: &Path) -> Result<Self, BuildError> {
        self.root = root.canonicalize().map_err(FileError::new("find", root))?;
        Ok(self)
    }

    /// A kustomization around `folder`, outside of the user's tree, that runs our function with this policy.
    fn wrap(&self, folder: &Path, mut policy: Value) -> Result<PathBuf, BuildError> {
        let wrapper = self.folder.path().join("wrapper");
        fs::create_dir(&wrapper).map_err(FileError::new("make", &wrapper))?;
        // kustomize takes no absolute folders; both ends are real paths, as `..` of a link leads elsewhere
        let from = wrapper.canonicalize().map_err(FileError::new("find", &wrapper))?;
        let to = folder.canonicalize().map_err(FileError::new("find", folder))?;
        policy["metadata"]["annotations"]["config.kubernetes.io/function"] = "exec: {path: trimtab}".into();
        let kustomization = json!({"resources": [relative(&from, &to)], "transformers": ["policy.yaml"]});
        for (name, content) in [("kustomization.yaml", kustomization), ("policy.yaml", policy)] {
            files::write(&wrapper.join(name), yaml::to_string(&content).as_bytes())?;
        }
        Ok(wrapper)
    }

    fn run(&self, kustomize: &Kustomize, folder: &Path) -> Result<Build, BuildError> {
        let file = self.folder.path().join("stdin.yaml");
        let programs = self.folder.path().join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs.clone()).chain(std::env::split_paths(&path)))
            .map_err(|error| FileError::new("put in PATH", &programs)(std::io::Error::other(error)))?;
        let finished = Program::new(&kustomize.program, ADVICE)
            .arg("build")
            .arg("--enable-alpha-plugins")
            .arg("--enable-exec")
            .arg(folder)
            .env("PATH", path)
            .env(capture::FILE, &file)
            .env(capture::ROOT, &self.root)
            .run()?;
        let (output, talk) = output(folder, finished)?;
        if !file.is_file() {
            return Err(BuildError::NotRun {
                folder: folder.to_owned(),
            });
        }
        let list = ResourceList::parse(kustomization::documents(&file)?).map_err(|error| BuildError::Items {
            folder: folder.to_owned(),
            error,
        })?;
        Ok(Build {
            items: list.items,
            policy: list.function_config,
            output,
            talk,
            below: Below::default(),
        })
    }
}

#[cfg(unix)]
fn link(to: &Path, name: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, name)
}

#[cfg(not(unix))]
fn link(to: &Path, name: &Path) -> std::io::Result<()> {
    fs::hard_link(to, name).or_else(|_| fs::copy(to, name).map(drop))
}

/// The way from one absolute folder to another, with `/` on every system, as kustomization files want it.
pub fn relative(from: &Path, to: &Path) -> String {
    let from: Vec<Component> = from.components().collect();
    let to: Vec<Component> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..]
        .iter()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    let way: Vec<String> = up.chain(down).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_folders() {
        for (from, to, expected) in [
            ("/a/b/c", "/a/d", "../../d"),
            ("/a", "/a/b/c", "b/c"),
            ("/a/b", "/a/b", "."),
            ("/a/bc", "/a/b", "../b"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), expected, "{from} {to}");
        }
    }
}
