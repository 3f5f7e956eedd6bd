use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use gauntlet_harness::component::ComponentFiles;
use gauntlet_harness::component::system::SystemSource;
use gauntlet_harness::image::{Images, Part};
use gauntlet_harness::provider::{StateDir, sweep};
use gauntlet_harness::stack::{self, RunsOn, StackContext, StackKind};
use gauntlet_harness::store::Store;

use crate::console::{ComponentProgress, Console};
use crate::failure::failed;

/// What every command that starts a stack needs, found once.
#[derive(Debug)]
pub struct Session {
    pub console: Console,
    pub store: Arc<Store>,
    pub state: StateDir,
    shim: PathBuf,
    components: ComponentFiles,
    system: SystemSource,
}

impl Session {
    /// Opens the store, and cleans up after runs that were killed.
    pub async fn open(console: Console) -> Result<Self> {
        let store = Store::from_env().context("failed to open the component store")?;
        let state = state_dir()?;
        let swept = sweep(&state)
            .await
            .context("failed to clean up after earlier runs")?;
        for run in swept.runs {
            console.note(&run.to_string());
        }
        Ok(Self {
            console,
            store: Arc::new(store),
            state,
            shim: own_executable()?,
            components: ComponentFiles::default(),
            system: SystemSource::Auto,
        })
    }

    /// Gets what a stack of this kind needs. Comes before the system, which takes minutes to build on a new
    /// machine: what is missing there is said at once.
    pub(crate) async fn obtain_components(&self, kind: StackKind, runs_on: &RunsOn) -> Result<()> {
        if let RunsOn::Containers(images) = runs_on {
            return self.obtain_images(kind, images).await;
        }
        let progress = Arc::new(ComponentProgress::new(self.console.clone()));
        stack::obtain(Arc::clone(&self.store), kind.components(), progress)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn obtain_images(&self, kind: StackKind, images: &Images) -> Result<()> {
        for id in kind.components() {
            let step = self.console.step(&format!("image of {id}"));
            match images.obtain(Part::Component(*id)).await {
                Ok(image) => step.done(&image.reference),
                Err(error) => {
                    step.failed("not there");
                    return Err(failed(error));
                }
            }
        }
        Ok(())
    }

    /// Builds or finds the system under test once, for all stacks of this command.
    pub(crate) async fn obtain_system(&mut self, runs_on: &RunsOn) -> Result<()> {
        match runs_on {
            RunsOn::Processes => self.obtain_binary().await,
            RunsOn::Containers(images) if images.has_given(Part::System) => Ok(()),
            RunsOn::Containers(images) => {
                self.obtain_binary().await?;
                self.obtain_system_image(images).await
            }
        }
    }

    async fn obtain_system_image(&self, images: &Images) -> Result<()> {
        let step = self.console.step("image of the system");
        let notes = |line: &str| step.update(line);
        match images.system_of(&self.system, &self.shim, &notes).await {
            Ok(image) => {
                step.done(&image.reference);
                Ok(())
            }
            Err(error) => {
                step.failed("could not be built");
                Err(failed(error))
            }
        }
    }

    async fn obtain_binary(&mut self) -> Result<()> {
        if let SystemSource::Obtained(_) = self.system {
            return Ok(());
        }
        let step = self.console.step("system");
        let obtained = self
            .system
            .obtain(&self.shim, &|line| step.update(line))
            .await;
        match obtained {
            Ok(binary) => {
                step.done(&binary.provenance.how);
                self.system = SystemSource::Obtained(binary);
                Ok(())
            }
            Err(error) => {
                step.failed("could not be built");
                Err(failed(error))
            }
        }
    }

    /// How a stack is started, with its logs in `folder`.
    pub fn stack_context(&self, run_id: &str, folder: &Path, runs_on: &RunsOn) -> StackContext {
        let console = self.console.clone();
        StackContext {
            run_id: run_id.to_owned(),
            run_dir: folder.to_owned(),
            state: self.state.clone(),
            shim: self.shim.clone(),
            runs_on: runs_on.clone(),
            store: Arc::clone(&self.store),
            components: self.components.clone(),
            system: self.system.clone(),
            progress: Arc::new(ComponentProgress::new(self.console.clone())),
            notes: Arc::new(move |line| console.detail(line)),
        }
    }
}

/// Where the harness remembers stacks between two commands.
pub(super) fn state_dir() -> Result<StateDir> {
    StateDir::from_environment(|name| std::env::var_os(name))
        .context("failed to find a state folder")
}

/// The binary that becomes the supervised children: this one.
pub(super) fn own_executable() -> Result<PathBuf> {
    std::env::current_exe().context("failed to find the gauntlet binary itself")
}
