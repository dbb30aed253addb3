//! The container engine, asked one thing after another, each within a time of its own.
//!
//! Docker and Podman speak the same words on a Unix socket. An engine on another computer is of no
//! use here: machines and the lab talk over sockets in the lab's folder.

use std::collections::HashMap;
use std::env;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ImageSummary};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveImageOptionsBuilder, StartContainerOptions, WaitContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::TryStreamExt;

use crate::LabError;

/// How long the engine may take to say who it is.
const GREETING_MAX: Duration = Duration::from_secs(5);
/// How long it may take for one thing; starting many containers at once takes a while.
const CALL_MAX: Duration = Duration::from_secs(60);
/// How long it may take to take in an image.
const IMPORT_MAX: Duration = Duration::from_secs(300);

/// Where engines listen that nobody named.
const SOCKETS: [&str; 3] = [
    "/var/run/docker.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
];

/// A running engine.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    docker: Docker,
    runtime: Arc<tokio::runtime::Runtime>,
    socket: PathBuf,
}

/// A container as lists show it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) labels: HashMap<String, String>,
}

/// Where an engine may listen, most wanted first: the one that `DOCKER_HOST` names, or the usual
/// ones of this user and of the system.
///
/// # Errors
/// When `DOCKER_HOST` names something else than a Unix socket.
pub(crate) fn sockets() -> Result<Vec<PathBuf>, String> {
    if let Some(host) = env::var("DOCKER_HOST").ok().filter(|it| !it.is_empty()) {
        let path = host.strip_prefix("unix://");
        let path = path.ok_or_else(|| {
            format!("DOCKER_HOST is {host}; labs need an engine of this computer, at a Unix socket")
        })?;
        return Ok(vec![path.into()]);
    }
    let mut sockets: Vec<PathBuf> = SOCKETS.iter().map(PathBuf::from).collect();
    if let Some(own) = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        sockets.extend([own.join("docker.sock"), own.join("podman/podman.sock")]);
    }
    Ok(sockets)
}

impl Engine {
    /// The first engine that answers.
    ///
    /// # Errors
    /// When none does; the message says where it was looked for.
    pub(crate) fn connect() -> Result<Self, LabError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(LabError::system("cannot talk to a container engine"))?;
        let runtime = Arc::new(runtime);
        let mut reasons = Vec::new();
        for socket in sockets().map_err(LabError::NoEngine)? {
            let greeted = runtime.block_on(greet(&socket));
            match greeted {
                Ok(docker) => {
                    return Ok(Self {
                        docker,
                        runtime,
                        socket,
                    });
                }
                Err(why) => reasons.push(format!("{}: {why}", socket.display())),
            }
        }
        Err(LabError::NoEngine(reasons.join("; ")))
    }

    /// Whether its containers' administrator is the user that runs it.
    pub(crate) fn is_rootless(&self) -> Result<bool, LabError> {
        let info = self.run("describe itself", CALL_MAX, self.docker.info())?;
        let options = info.security_options.unwrap_or_default();
        Ok(options.iter().any(|it| it.contains("rootless")))
    }

    pub(crate) fn has_image(&self, name: &str) -> Result<bool, LabError> {
        let found = self.docker.inspect_image(name);
        match self.run("look for an image", CALL_MAX, gone_is_none(found)) {
            Ok(found) => Ok(found.is_some()),
            Err(error) => Err(error),
        }
    }

    /// Makes an image of an archive.
    pub(crate) fn import(
        &self,
        (repository, tag): (&str, &str),
        label: &str,
        archive: Vec<u8>,
    ) -> Result<(), LabError> {
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .changes(vec![format!("LABEL {label}")])
            .build();
        let body = bollard::body_full(archive.into());
        let told = self.docker.create_image(Some(options), Some(body), None);
        self.run(
            "take in the image",
            IMPORT_MAX,
            told.try_collect::<Vec<_>>(),
        )?;
        Ok(())
    }

    pub(crate) fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), LabError> {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        let created = self.docker.create_container(Some(options), body);
        self.run(&format!("make {name}"), CALL_MAX, created)?;
        Ok(())
    }

    /// Starts a container; one that runs goes on.
    pub(crate) fn start(&self, name: &str) -> Result<(), LabError> {
        let started = self
            .docker
            .start_container(name, None::<StartContainerOptions>);
        let started = unless(304, started);
        self.run(&format!("start {name}"), CALL_MAX, started)
    }

    /// Kills a container and waits for its end; one that has ended stays so.
    pub(crate) fn kill(&self, name: &str) -> Result<(), LabError> {
        let options = KillContainerOptionsBuilder::default()
            .signal("KILL")
            .build();
        let killed = unless(409, self.docker.kill_container(name, Some(options)));
        self.run(&format!("kill {name}"), CALL_MAX, killed)?;
        let ended = self
            .docker
            .wait_container(name, None::<WaitContainerOptions>);
        let ended = async {
            // How it ended is no news: it was killed.
            let _code = ended.try_collect::<Vec<_>>().await;
            Ok(())
        };
        self.run(&format!("see the end of {name}"), CALL_MAX, ended)
    }

    /// Stops everything in a container where it is.
    pub(crate) fn pause(&self, name: &str) -> Result<(), LabError> {
        let what = format!("pause {name}");
        self.run(&what, CALL_MAX, self.docker.pause_container(name))
    }

    /// Everything in a container goes on.
    pub(crate) fn unpause(&self, name: &str) -> Result<(), LabError> {
        let what = format!("unpause {name}");
        self.run(&what, CALL_MAX, self.docker.unpause_container(name))
    }

    /// All containers with a label, those that have ended included.
    pub(crate) fn containers(&self, label: &str) -> Result<Vec<Listed>, LabError> {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&labelled(label))
            .build();
        let found = self.docker.list_containers(Some(options));
        let found = self.run("list containers", CALL_MAX, found)?;
        let listed = found.into_iter().filter_map(|it| {
            Some(Listed {
                id: it.id?,
                labels: it.labels.unwrap_or_default(),
            })
        });
        Ok(listed.collect())
    }

    /// Removes a container, whatever it does; one that is gone stays so.
    pub(crate) fn remove(&self, id: &str) -> Result<(), LabError> {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        let removed = self.docker.remove_container(id, Some(options));
        // 409: somebody else is at it.
        let removed = unless(409, unless(404, removed));
        self.run("remove a container", CALL_MAX, removed)
    }

    /// Removes all images with a label that no container uses, but for one; how many there were.
    pub(crate) fn remove_images(&self, label: &str, keep: &str) -> Result<usize, LabError> {
        let options = ListImagesOptionsBuilder::default()
            .filters(&labelled(label))
            .build();
        let found = self.docker.list_images(Some(options));
        let found = self.run("list images", CALL_MAX, found)?;
        let mut removed = 0;
        let kept = |it: &ImageSummary| it.repo_tags.iter().any(|tag| tag.ends_with(keep));
        for image in found.into_iter().filter(|it| !kept(it)) {
            let options = RemoveImageOptionsBuilder::default().force(false).build();
            let gone = self.docker.remove_image(&image.id, Some(options), None);
            let gone = async { gone.await.map(drop) };
            // 409: a container uses it.
            let gone = unless(409, unless(404, gone));
            self.run("remove an image", CALL_MAX, gone)?;
            removed += 1;
        }
        Ok(removed)
    }

    /// The client itself, for calls that stream.
    pub(crate) fn client(&self) -> (&Docker, &tokio::runtime::Runtime) {
        (&self.docker, &self.runtime)
    }

    fn run<T>(
        &self,
        what: &str,
        patience: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, LabError> {
        let limited = async { tokio::time::timeout(patience, call).await };
        let why = match self.runtime.block_on(limited) {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => reason(error),
            Err(_) => format!("it did not answer within {} s", patience.as_secs()),
        };
        Err(self.error(what, why))
    }

    /// What the engine did not do, and why.
    pub(crate) fn error(&self, what: &str, why: impl ToString) -> LabError {
        LabError::Engine {
            socket: self.socket.clone(),
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}

async fn greet(socket: &Path) -> Result<Docker, String> {
    if !socket.exists() {
        return Err("there is no such socket".to_owned());
    }
    let seconds = CALL_MAX.max(IMPORT_MAX).as_secs();
    let path = socket.to_string_lossy();
    let docker = Docker::connect_with_unix(&path, seconds, API_DEFAULT_VERSION);
    let docker = docker.map_err(reason)?;
    let greeted = tokio::time::timeout(GREETING_MAX, docker.negotiate_version()).await;
    match greeted {
        Ok(Ok(docker)) => Ok(docker),
        Ok(Err(error)) => Err(reason(error)),
        Err(_) => Err(format!("no answer within {} s", GREETING_MAX.as_secs())),
    }
}

fn labelled(label: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![label.to_owned()])])
}

/// An error without the client's own words around it.
fn reason(error: Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => {
            let mut text = other.to_string();
            let mut cause = std::error::Error::source(&other);
            while let Some(inner) = cause {
                text = inner.to_string();
                cause = inner.source();
            }
            text
        }
    }
}

/// The outcome of a call, where one answer of the engine means that nothing was left to do.
async fn unless(code: u16, call: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    match call.await {
        Err(Error::DockerResponseServerError { status_code, .. }) if status_code == code => Ok(()),
        other => other,
    }
}

/// What was found, if it was.
async fn gone_is_none<T>(call: impl Future<Output = Result<T, Error>>) -> Result<Option<T>, Error> {
    match call.await {
        Ok(found) => Ok(Some(found)),
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}
