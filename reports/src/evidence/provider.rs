use serde::{Deserialize, Serialize};

/// What ran the components of a stack, and why it was that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderInfo {
    /// `process`, `containers` or `cluster`.
    pub name: String,
    /// That it was asked for, or what was found on the machine; and how far it can be reached.
    pub reason: String,
}

/// The providers of a run, in the order in which the report shows them.
///
/// In JSON they are the list `providers`, and beside it the two strings `provider` and
/// `provider_reason` that readers of one provider a run look at. A report with the strings alone reads
/// as a run with one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Fields", into = "Fields")]
pub struct Providers(Vec<ProviderInfo>);

impl Providers {
    pub fn one(name: impl Into<String>, reason: impl Into<String>) -> Providers {
        Providers(vec![ProviderInfo {
            name: name.into(),
            reason: reason.into(),
        }])
    }

    pub fn iter(&self) -> std::slice::Iter<'_, ProviderInfo> {
        self.0.iter()
    }

    /// The names with this between them.
    pub fn names(&self, separator: &str) -> String {
        let names: Vec<&str> = self.iter().map(|info| info.name.as_str()).collect();
        names.join(separator)
    }
}

impl From<Vec<ProviderInfo>> for Providers {
    fn from(infos: Vec<ProviderInfo>) -> Providers {
        Providers(infos)
    }
}

impl<'a> IntoIterator for &'a Providers {
    type Item = &'a ProviderInfo;
    type IntoIter = std::slice::Iter<'a, ProviderInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// As the fields of a run in JSON.
#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(default)]
    provider: String,
    #[serde(default)]
    provider_reason: String,
    #[serde(default)]
    providers: Vec<ProviderInfo>,
}

impl From<Fields> for Providers {
    fn from(fields: Fields) -> Providers {
        if fields.providers.is_empty() {
            Providers::one(fields.provider, fields.provider_reason)
        } else {
            Providers(fields.providers)
        }
    }
}

impl From<Providers> for Fields {
    fn from(providers: Providers) -> Fields {
        let provider_reason = match providers.0.as_slice() {
            [only] => only.reason.clone(),
            several => {
                let reasons: Vec<String> = several
                    .iter()
                    .map(|info| format!("{}: {}", info.name, info.reason))
                    .collect();
                reasons.join("; ")
            }
        };
        Fields {
            provider: providers.names(", "),
            provider_reason,
            providers: providers.0,
        }
    }
}
