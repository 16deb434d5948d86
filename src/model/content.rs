use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that came along with a job, or the name of a blob and, once it was looked up, its bytes.
///
/// As JSON it is `{"base64": "…"}` or `{"blob": "sha256:…"}`: a blob's bytes are where blobs are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Content {
    blob: Option<String>,
    bytes: Vec<u8>,
}

impl Content {
    /// Not filled yet.
    pub fn blob(digest: impl Into<String>) -> Self {
        Self { blob: Some(digest.into()), bytes: Vec::new() }
    }

    /// The digest, where it is a blob.
    pub fn digest(&self) -> Option<&str> {
        self.blob.as_deref()
    }

    pub fn fill(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self { blob: None, bytes }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.blob {
            Some(digest) => write!(f, "{digest}"),
            None => write!(f, "{} bytes", self.bytes.len()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Base64(String),
    Blob(String),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match &self.blob {
            Some(digest) => Written::Blob(digest.clone()),
            None => Written::Base64(STANDARD.encode(&self.bytes)),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Base64(text) => STANDARD.decode(text).map_err(D::Error::custom)?.into(),
            Written::Blob(digest) => Self::blob(digest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_a_blob_is_its_name() {
        let inline = Content::from(vec![0, 159, 146, 150]);
        let text = serde_json::to_string(&inline).expect("plain data");
        assert_eq!(text, r#"{"base64":"AJ+Slg=="}"#);
        assert_eq!(serde_json::from_str::<Content>(&text).expect("the same"), inline);
        let mut blob = Content::blob("sha256:00");
        blob.fill(vec![1]);
        assert_eq!(serde_json::to_string(&blob).expect("plain data"), r#"{"blob":"sha256:00"}"#);
    }
}
