use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use gauntlet_contract::UserId;
use gauntlet_harness::ledger::Exchange;
use reqwest::{redirect, retry};

use super::actor::{Actor, Transcript};
use super::case::Case;
use super::inputs::Inputs;
use super::stage::{Stage, Variant};
use super::surprise::Surprise;

/// Longer than the system's own bounds together: it is the one to give up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Where a lane's processes are asked: `http://host:port`, without a path.
#[derive(Clone, Debug)]
pub struct Site {
    pub api: String,
    pub audit: String,
}

/// A case with those who play in it; nobody else is any of them.
#[derive(Clone, Debug)]
pub struct Cast {
    pub case: Case,
    pub variant: Variant,
    /// The user that it is about and a stranger, each with a token.
    pub users: [(UserId, String); 2],
}

impl Cast {
    /// Gives each of the two a token.
    pub fn of<E>(
        case: Case,
        variant: Variant,
        inputs: &Inputs,
        token: impl Fn(UserId) -> Result<String, E>,
    ) -> Result<Self, E> {
        let [me, stranger] = inputs.users_of(case.name);
        Ok(Self {
            case,
            variant,
            users: [(me, token(me)?), (stranger, token(stranger)?)],
        })
    }
}

/// How a case went.
#[derive(Clone, Debug)]
pub struct Played {
    pub case: Case,
    pub users: [UserId; 2],
    pub surprise: Option<Surprise>,
    pub exchanges: Vec<Exchange>,
}

/// Plays the cases at a site, at most so many at once, and answers them in their order. An error is one of
/// this client's making.
pub async fn play_all(
    casts: Vec<Cast>,
    inputs: &Inputs,
    site: &Site,
    at_once: usize,
) -> Result<Vec<Played>, reqwest::Error> {
    // Each operation is offered once, and what the system answers is what is looked at.
    let http = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .timeout(ANSWERED_WITHIN)
        .build()?;
    let played = futures::stream::iter(casts)
        .map(|cast| play(cast, inputs.clone(), site.clone(), http.clone()))
        .buffered(at_once.max(1));
    Ok(played.collect().await)
}

async fn play(cast: Cast, inputs: Inputs, site: Site, http: reqwest::Client) -> Played {
    let transcript = Transcript::default();
    let [me, stranger] = cast.users;
    let users = [me.0, stranger.0];
    let actor = |user| Actor::new(http.clone(), site.clone(), user, Arc::clone(&transcript));
    let stage = Stage {
        me: actor(me),
        stranger: actor(stranger),
        inputs,
        variant: cast.variant,
    };
    let surprise = (cast.case.act)(stage).await.err();
    let mut exchanges = transcript.lock().unwrap_or_else(PoisonError::into_inner);
    Played {
        case: cast.case,
        users,
        surprise,
        exchanges: std::mem::take(&mut exchanges),
    }
}
