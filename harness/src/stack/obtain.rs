//! Getting components, for every command that does.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::topology::StackKind;
use crate::error::{StackError, StackErrorKind};
use crate::store::{Artifact, Cancel, ComponentId, Progress, Store, StoreError};

/// Gets the components on a thread of their own: fetching and building block, for minutes on a new
/// machine. Dropping the future ends what runs, and the scratch space of it is removed soon after.
///
/// The full stack never silently becomes the light one: where something else than the light one's
/// components cannot be had, the error names what is missing and offers that.
pub async fn obtain(
    store: Arc<Store>,
    wanted: &[ComponentId],
    progress: Arc<dyn Progress>,
) -> Result<BTreeMap<ComponentId, Artifact>, StackError> {
    let mut abandoned = CancelOnDrop(Some(store.canceller()));
    let (getter, ids) = (Arc::clone(&store), wanted.to_vec());
    let obtaining = tokio::task::spawn_blocking(move || getter.obtain_all(&ids, &*progress)).await;
    abandoned.0 = None;
    match obtaining {
        Ok(obtained) => obtained.map_err(|error| unobtainable(&store, wanted, &error)),
        Err(error) => Err(StackError::new(
            StackErrorKind::Obtain,
            "obtain the components",
            "report this as a defect",
        )
        .because(error)),
    }
}

struct CancelOnDrop(Option<Cancel>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancel) = self.0.take() {
            cancel.cancel();
        }
    }
}

fn unobtainable(store: &Store, wanted: &[ComponentId], error: &StoreError) -> StackError {
    let missing: Vec<_> = wanted.iter().filter(|id| !store.is_ready(**id)).collect();
    let names: Vec<_> = missing.iter().map(|id| id.as_str()).collect();
    let lacks = if names.is_empty() {
        // The JVM is no component.
        String::new()
    } else {
        format!(", this machine lacks {}", names.join(", "))
    };
    let light = StackKind::Light.components();
    let offer = if wanted.iter().all(|id| light.contains(id)) {
        ""
    } else {
        "; or do without: `--stack light` of `run` and `up` needs Redis and Postgres alone"
    };
    StackError::new(
        StackErrorKind::Obtain,
        format!(
            "get all components{lacks}: failed to {}",
            error.without_mend()
        ),
        format!("{}{offer}", error.mend()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Manifest, Silent, StoreConfig};

    async fn refusal(kind: StackKind) -> String {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig {
            home: home.path().to_owned(),
            search_path: Vec::new(),
            // A wrong path is refused before any network is asked.
            given: ComponentId::ALL
                .map(|id| (id, home.path().join("nothing")))
                .into(),
            java_home: None,
            manifest: Manifest::embedded().unwrap(),
            shim: home.path().join("shim"),
            cancel: Cancel::default(),
        });
        let error = obtain(
            Arc::new(store.unwrap()),
            kind.components(),
            Arc::new(Silent),
        );
        error.await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn planted_lack_offers_the_light_stack_to_the_full_one_alone() {
        let full = refusal(StackKind::Full).await;
        assert!(full.contains("lacks redis, postgres, kafka"), "{full}");
        assert_eq!(full.matches("--stack light").count(), 1, "{full}");
        assert_eq!(full.matches("to mend").count(), 1, "{full}");
        let light = refusal(StackKind::Light).await;
        assert!(light.contains("lacks redis, postgres: "), "{light}");
        assert!(!light.contains("--stack light"), "{light}");
    }
}
