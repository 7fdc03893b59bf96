//! Body: what an answer brings, frame by frame, and how a watch falls silent or ends in the middle.
//!
//! In: the API server's body, the mood of the proxy. Out: a body for the client.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use tokio::sync::watch;

use super::relay::{Mood, never};

/// A body for the client.
pub(super) type Answer = UnsyncBoxBody<Bytes, Broken>;

/// The connection ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection was cut by the test bed, or the API server is away")]
pub(super) struct Broken;

/// A text.
pub(super) fn whole(text: String) -> Answer {
    Full::new(Bytes::from(text)).map_err(never).boxed_unsync()
}

/// What the API server sends, as long as the mood lets it; without a mood, all of it.
pub(super) fn relayed(body: Body, mood: Option<watch::Receiver<Mood>>) -> Answer {
    let Some(mood) = mood else {
        return body.map_err(|_| Broken).boxed_unsync();
    };
    let frames = stream::unfold((BodyStream::new(body), mood), |(mut body, mut mood)| async {
        until_loud(&mut mood).await;
        let frame = tokio::select! {
            frame = body.next() => frame?.map_err(|_| Broken),
            () = until_cut(&mut mood) => Err(Broken),
        };
        until_loud(&mut mood).await;
        Some((frame, (body, mood)))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// Waits while nothing is to be said.
async fn until_loud(mood: &mut watch::Receiver<Mood>) {
    // The proxy is gone: so is this connection.
    mood.wait_for(|mood| !mood.is_silent).await.ok();
}

/// Waits until the proxy is healed the next time.
pub(super) async fn until_healed(mood: &mut watch::Receiver<Mood>) {
    let before = mood.borrow().heals;
    mood.wait_for(|mood| before < mood.heals).await.ok();
}

async fn until_cut(mood: &mut watch::Receiver<Mood>) {
    mood.wait_for(|mood| mood.is_cut).await.ok();
}
