//! Jobs as people name them.

use model::JobId;
use serde::Deserialize;

use super::{Call, Client, query};
use crate::output::Failure;

/// Whoever types less means nothing in particular: the first 8 characters are the same for a minute's jobs.
const SHORTEST: usize = 8;
const PAGE: &str = "200";
/// Jobs looked at, the newest first.
const PAGES: usize = 25;
/// Named when several jobs are meant.
const NAMED: usize = 5;

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: JobId,
}

/// The job that `text` names: by its id, or by enough of its beginning or end that no other is meant.
pub(crate) async fn find(client: &Client, text: &str) -> Result<JobId, Failure> {
    if let Some(id) = JobId::parse(text) {
        return Ok(id);
    }
    let part = text.to_ascii_lowercase();
    let hex = part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !hex || part.len() < SHORTEST {
        let failure = Failure::new(format!("`{}` names no job", text.escape_debug()));
        return Err(
            failure.hint(format!("`stockade ps` lists ids; {SHORTEST} characters of one may be enough"))
        );
    }
    match matches(client, &part).await?.as_slice() {
        [only] => Ok(*only),
        [] => {
            Err(Failure::new(format!("no job's id begins or ends with `{part}`"))
                .hint("`stockade ps` lists ids"))
        }
        many => {
            let ids = many.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join("\n  ");
            Err(Failure::new(format!("{} jobs have an id with `{part}`, such as\n  {ids}", many.len())))
        }
    }
}

async fn matches(client: &Client, part: &str) -> Result<Vec<JobId>, Failure> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let pairs = [("limit", PAGE)].into_iter().chain(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Page = client.json(Call::get(query("/jobs", pairs))).await?;
        found.extend(page.items.into_iter().map(|item| item.id).filter(|id| {
            let id = id.to_string();
            id.starts_with(part) || id.ends_with(part)
        }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
}
