//! Archives as others write them.

use serde_json::{Value, json};

use super::kit::{digest, hex, tar};

pub(super) fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    json!({
        "architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
        "config": { "Env": ["PATH=/bin", "A=b=c", "odd"], "User": "app", "WorkingDir": "/srv",
                    "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["true"], "Labels": { "a": "b" }, "Healthcheck": {"Test": []} },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": [{ "created": "2026-01-02T03:04:05Z", "created_by": "a tool" }],
    })
    .to_string()
    .into_bytes()
}

/// Members of a tar, in order.
#[derive(Default)]
pub(super) struct Members(pub(super) Vec<(String, Vec<u8>)>);

impl Members {
    pub(super) fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((name.into(), bytes.into()));
    }

    pub(super) fn tar(&self) -> Vec<u8> {
        let members: Vec<(&str, &[u8])> =
            self.0.iter().map(|(name, bytes)| (&name[..], &bytes[..])).collect();
        tar(&members)
    }

    /// Of a layout: how it is referred to.
    pub(super) fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.add(format!("blobs/sha256/{}", hex(bytes)), bytes);
        json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
    }
}

pub(super) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image in a layout: its manifest's descriptor. `blobs` are the layers as they are sent.
pub(super) fn image(members: &mut Members, layers: &[&[u8]], blobs: &[(&str, &[u8])]) -> Value {
    let config = members.blob("application/vnd.oci.image.config.v1+json", &config(layers));
    let layers: Vec<Value> = blobs.iter().map(|(media_type, blob)| members.blob(media_type, blob)).collect();
    let manifest = json!({ "schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers });
    members.blob(OCI, manifest.to_string().as_bytes())
}

pub(super) const PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

pub(super) fn layout(mut members: Members, manifests: &[Value]) -> Members {
    members.add("oci-layout", json!({ "imageLayoutVersion": "1.0.0" }).to_string());
    members.add("index.json", json!({ "schemaVersion": 2, "manifests": manifests }).to_string());
    members
}

pub(super) fn named(mut manifest: Value, name: &str) -> Value {
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    manifest
}

/// `docker save` before version 25.
pub(super) fn docker(layers: &[&[u8]], tags: &[&str]) -> Members {
    let mut members = Members::default();
    let config = config(layers);
    let config_name = format!("{}.json", hex(&config));
    let mut names = Vec::new();
    for layer in layers {
        let name = format!("{}/layer.tar", hex(layer));
        members.add(&name, *layer);
        names.push(name);
    }
    members.add(&config_name, config);
    let manifest = json!([{ "Config": config_name, "RepoTags": tags, "Layers": names }]);
    members.add("manifest.json", manifest.to_string());
    members.add("repositories", "{}");
    members
}
