use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use cargo_metadata::{
    CargoOpt, Dependency, DependencyKind, Metadata, MetadataCommand, PackageId, TargetKind,
};

use super::{Member, Package, Source, TextFile, Workspace};
use crate::violation::Violation;

/// Platforms that are supported; packages that only others need are not resolved.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// Extensions of files that are read as text, and names that have none.
const TEXT_EXTENSIONS: [&str; 18] = [
    "rs", "toml", "md", "yaml", "yml", "json", "sql", "go", "mod", "sh", "html", "css", "js", "j2",
    "jinja", "svg", "xml", "txt",
];
const TEXT_NAMES: [&str; 5] = [
    ".ci/run",
    ".ci/dependencies",
    ".ci/engine",
    ".gitignore",
    ".editorconfig",
];

/// Reads the repository once. A Rust file that does not parse is a violation, not an error, so that
/// one broken file does not hide what the others have.
pub(crate) fn load(root: &Path) -> anyhow::Result<(Workspace, Vec<Violation>)> {
    let mut options: Vec<String> = vec!["--locked".to_owned()];
    options.extend(PLATFORMS.map(|platform| format!("--filter-platform={platform}")));
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(options)
        .exec()
        .context("failed to read cargo metadata")?;
    let files = text_files(root)?;
    let mut unparsed = Vec::new();
    let sources = files
        .iter()
        .filter(|file| {
            Path::new(&file.path)
                .extension()
                .is_some_and(|it| it == "rs")
        })
        .filter_map(|file| match Source::parse(&file.path, &file.text) {
            Ok(source) => Some(source),
            Err(error) => {
                unparsed.push(Violation {
                    path: file.path.clone(),
                    line: error.span().start().line,
                    what: format!("does not parse: {error}"),
                    why: "no rule can look at it",
                    mend: "make it valid Rust".to_owned(),
                });
                None
            }
        })
        .collect();
    let workspace = Workspace {
        members: members(&metadata)?,
        packages: packages(&metadata),
        files,
        sources,
    };
    Ok((workspace, unparsed))
}

/// What git tracks, and what it would: a file that is about to be committed counts already.
fn text_files(root: &Path) -> anyhow::Result<Vec<TextFile>> {
    let listing = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("failed to run git, which lists the files to look at")?;
    ensure!(
        listing.status.success(),
        "failed to list files: git ls-files said {}",
        String::from_utf8_lossy(&listing.stderr).trim()
    );
    let listing =
        String::from_utf8(listing.stdout).context("failed to read file names as UTF-8")?;
    let paths: BTreeSet<&str> = listing.split('\0').filter(|path| is_text(path)).collect();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let full = root.join(path);
        // A file that was deleted and not yet committed is still listed.
        if full.is_file() {
            let text =
                std::fs::read_to_string(&full).with_context(|| format!("failed to read {path}"))?;
            files.push(TextFile {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

fn is_text(path: &str) -> bool {
    TEXT_NAMES.contains(&path)
        || Path::new(path)
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| TEXT_EXTENSIONS.contains(&extension))
}

fn members(metadata: &Metadata) -> anyhow::Result<Vec<Member>> {
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.as_str()))
        .collect();
    let shipped = shipped_edges(metadata)?;
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let dir = package
                .manifest_path
                .parent()
                .and_then(|dir| dir.strip_prefix(&metadata.workspace_root).ok())
                .with_context(|| format!("failed to place {} in the workspace", package.name))?;
            let (dev, shipping): (Vec<&Dependency>, Vec<&Dependency>) = package
                .dependencies
                .iter()
                .partition(|dependency| dependency.kind == DependencyKind::Development);
            let test_targets = package
                .targets
                .iter()
                .filter(|target| target.kind.contains(&TargetKind::Test));
            Ok(Member {
                name: package.name.to_string(),
                dir: dir.to_string(),
                dependencies: names_of(&shipping),
                dev_dependencies: names_of(&dev),
                built_with: closure(&package.id, &shipped, &names),
                test_binaries: test_targets.map(|target| target.name.clone()).collect(),
            })
        })
        .collect()
}

fn names_of(dependencies: &[&Dependency]) -> Vec<String> {
    let names = dependencies.iter();
    names.map(|dependency| dependency.name.clone()).collect()
}

type Edges<'a> = BTreeMap<&'a PackageId, Vec<&'a PackageId>>;

/// Who is built with whom, development dependencies left out.
fn shipped_edges(metadata: &Metadata) -> anyhow::Result<Edges<'_>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("failed to find the resolved graph in cargo metadata")?;
    let edges = resolve.nodes.iter().map(|node| {
        let dependencies = node.deps.iter().filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development)
        });
        (
            &node.id,
            dependencies.map(|dependency| &dependency.pkg).collect(),
        )
    });
    Ok(edges.collect())
}

fn closure(
    from: &PackageId,
    edges: &Edges<'_>,
    names: &BTreeMap<&PackageId, &str>,
) -> BTreeSet<String> {
    let mut seen: BTreeSet<&PackageId> = BTreeSet::new();
    let mut queue: Vec<&PackageId> = edges.get(from).cloned().unwrap_or_default();
    while let Some(id) = queue.pop() {
        if seen.insert(id) {
            queue.extend(edges.get(id).into_iter().flatten());
        }
    }
    seen.into_iter()
        .filter_map(|id| names.get(id).map(|name| (*name).to_owned()))
        .collect()
}

/// Third-party packages of the resolved graph. `metadata.packages` also lists what other platforms need.
fn packages(metadata: &Metadata) -> Vec<Package> {
    let resolved: BTreeSet<&PackageId> = metadata
        .resolve
        .iter()
        .flat_map(|resolve| resolve.nodes.iter().map(|node| &node.id))
        .collect();
    metadata
        .packages
        .iter()
        .filter(|package| resolved.contains(&package.id))
        .filter(|package| !metadata.workspace_members.contains(&package.id))
        .map(|package| Package {
            name: package.name.to_string(),
            version: package.version.to_string(),
            license: package.license.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The real repository, because cargo's and git's answers are what could be misread.
    #[test]
    fn this_workspace_is_seen_as_it_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (workspace, unparsed) = load(&root).expect("the workspace loads");
        assert_eq!(unparsed, []);
        let owner = |path: &str| workspace.owner_of(path).map(|member| member.name.as_str());
        assert_eq!(owner("harness/src/lib.rs"), Some("gauntlet-harness"));
        assert_eq!(owner("harness/xtask/src/main.rs"), Some("gauntlet-xtask"));

        let domain = workspace.member("gauntlet-domain").expect("a member");
        let names_proptest = |names: &[String]| names.iter().any(|name| name == "proptest");
        assert!(names_proptest(&domain.dev_dependencies));
        assert!(!names_proptest(&domain.dependencies));
        assert!(
            domain.built_with.contains("serde"),
            "by way of the contract"
        );
        assert!(
            !domain.built_with.contains("proptest"),
            "for development only"
        );

        assert!(workspace.file(".ci/run").is_some());
        assert!(workspace.file(".github/workflows/ci.yml").is_some());
        assert!(
            workspace
                .packages
                .iter()
                .any(|package| package.name == "tokio")
        );
    }
}
