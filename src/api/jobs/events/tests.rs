use axum::body::to_bytes;
use serde_json::{Value, json};

use super::*;
use crate::testing::{State, live};

#[tokio::test]
async fn what_cannot_be_written_now_is_told_later() {
    let state = State::new();
    // The journal does not know it, so it takes none of its events.
    let live = live();
    let found = Found::Live(live.clone());
    let answer = page(&state.store, live.id, &found, 0, None).await.expect("an answer");
    let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    let page: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(page, json!({ "items": [], "next": 0 }));
}
