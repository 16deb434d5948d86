//! Images from files.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Seek as _};
use std::sync::Arc;

use super::Images;
use super::look::Scope;
use crate::archive::{Found, Manifest, Members, docker, is_of_images, oci, plain_name, rootfs};
use crate::store::documents::{Document, expected_document};
use crate::store::holder::{Holder, Scratch};
use crate::store::layers::Wanted;
use crate::store::manifests::NewImage;
use crate::store::names::{Meant, NewName};
use crate::store::{aside, aside_drop, make_place};
use crate::tool::{Compression, Task, Told};
use crate::worker::unexpected;
use crate::{Error, Info, Progress, Stage};

mod source;

use source::{Opened, Source, Whole, called, hash, open, unnamed};

/// Why the tool is stopped in the midst of an archive.
const OTHER: &str = "not an archive of images";

impl Images {
    /// From a file, a pipe or a folder. `name` is for an archive that does not name its one image; where it names several by a
    /// tag alone, `name` is what comes before that. `tenant`: whose names they become; `None`: everybody's.
    pub async fn import(
        &self,
        archive: File,
        name: Option<&str>,
        tenant: Option<&str>,
        progress: Arc<dyn Progress>,
    ) -> Result<Vec<Info>, Error> {
        let holder = self.0.store.holder().await?;
        let opened = open(archive, &holder, self.0.options.caps.bytes).await?;
        let mut names = BTreeSet::new();
        match self.members(opened, &holder).await? {
            Opened::Rootfs(file) => {
                let name =
                    Meant::name(name.ok_or_else(|| unnamed("a root filesystem has no name of its own"))?)?;
                self.rootfs(&holder, file, &name, tenant, &progress).await?;
                names.insert(name);
            }
            Opened::Images(members, found) => {
                let called = called(&found, name)?;
                let members = Arc::new(members);
                names.extend(called.iter().flatten().cloned());
                let done =
                    self.images(&holder, &members, found.into_iter().zip(called), tenant, &progress).await;
                // Its files are unlinked, and may be large.
                aside_drop(members).await;
                done?;
            }
        }
        let scope = Scope::Tenant(tenant.unwrap_or_default().to_owned());
        let mine = |info: &Info| info.tenant.as_deref() == tenant && names.contains(&info.name);
        Ok(self.list(scope).await?.into_iter().filter(mine).collect())
    }

    /// What there is in it.
    async fn members(&self, opened: Source, holder: &Holder) -> Result<Opened, Error> {
        let members = match opened {
            Source::Folder(folder) => Members::Folder(folder),
            Source::File(file, kept) => match self.split(&file, holder).await? {
                Some(members) => members,
                None => return Ok(Opened::Rootfs((file, kept))),
            },
        };
        aside(move || {
            let is_folder = matches!(members, Members::Folder(_));
            // Newer versions of Docker write both, and the layout has the manifest that its registry has.
            let found = match oci::images(&members)? {
                Some(found) => Some(found),
                None if is_folder => None,
                None => docker::images(&members)?,
            };
            match found {
                Some(found) if !found.is_empty() => Ok(Opened::Images(members, found)),
                Some(_) => Err(Error::malformed("an archive without an image")),
                None => {
                    Err(Error::malformed("a folder, and no OCI layout: it has no oci-layout and index.json"))
                }
            }
        })
        .await
    }

    /// `None`: its members are those of a root filesystem.
    async fn split(&self, file: &File, holder: &Holder) -> Result<Option<Members>, Error> {
        let (mut archive, scratch) = (file.try_clone()?, holder.scratch());
        let (archive, folder, scratch) = aside(move || {
            archive.rewind()?;
            let folder = make_place(scratch.path())?;
            Ok((archive, folder, scratch))
        })
        .await?;
        let (tell, hear) = std::sync::mpsc::channel();
        let told = move |told| {
            let Told::Member { name, expected } = told else { return Ok(()) };
            let name = plain_name(&name).to_owned();
            if !is_of_images(&name) {
                return Err(Error::malformed(OTHER));
            }
            // It is heard below, for as long as this is called.
            let _ = tell.send((name, expected));
            Ok(())
        };
        let task = Task::Split { caps: self.0.options.caps };
        match self.0.tool.ask(&task, vec![archive.into(), folder], told).await {
            Ok(Told::Split) => (),
            Ok(other) => return Err(unexpected(&other)),
            Err(Error::ArchiveRefused { detail, .. }) if detail == OTHER => return Ok(None),
            Err(error) => return Err(error),
        }
        let numbered = hear.into_iter().enumerate();
        let members: HashMap<_, _> = numbered
            .map(|(number, (name, expected))| (name, (scratch.path().join(number.to_string()), expected)))
            .collect();
        let of_images = ["manifest.json", "index.json"].iter().any(|name| members.contains_key(*name));
        Ok(of_images.then_some(Members::Split { _folder: scratch, members }))
    }

    async fn images(
        &self,
        holder: &Holder,
        members: &Arc<Members>,
        found: impl Iterator<Item = (Found, Vec<String>)>,
        tenant: Option<&str>,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Error> {
        for (found, names) in found {
            self.image(holder, members, found, names, tenant, progress).await?;
        }
        Ok(())
    }

    /// One image of several.
    async fn image(
        &self,
        holder: &Holder,
        members: &Arc<Members>,
        found: Found,
        names: Vec<String>,
        tenant: Option<&str>,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Error> {
        let (document, layers) = match found.manifest {
            Manifest::Written(expected) => {
                let name = oci::blob_name(&expected.digest)?;
                (read(members, name).await?, None)
            }
            Manifest::Made { manifest, config, layers } => (manifest, Some((config, layers))),
        };
        let Document::Image(parsed) = Document::parse(&document, None)? else {
            return Err(Error::malformed("an index in place of a manifest"));
        };
        let member = |digest: &str| match &layers {
            Some((_, layers)) => layers.get(digest).cloned().ok_or_else(|| missing(digest)),
            None => oci::blob_name(digest),
        };
        let config = expected_document(parsed.config())?;
        let config_name = match &layers {
            Some((name, _)) => name.clone(),
            None => oci::blob_name(&config.digest)?,
        };
        let config_bytes = read(members, config_name).await?;
        let manifest = holder.put(document).await?;
        let image = NewImage::of(manifest.clone(), &parsed, &config_bytes)?;
        for layer in &image.layers {
            progress.told(&layer.blob, Stage::Waiting);
        }
        holder.copy(&config, io::Cursor::new(config_bytes)).await?;
        for layer in &image.layers {
            let (members, name) = (Arc::clone(members), member(&layer.blob.digest)?);
            let file = aside(move || members.open(&name)?.ok_or_else(|| missing(&name))).await?;
            holder.copy(&layer.blob, file).await?;
            progress.told(&layer.blob, Stage::Fetched);
        }
        let names = names.into_iter().map(|name| NewName {
            tenant: tenant.map(str::to_owned),
            name,
            source: manifest.digest.clone(),
        });
        self.arrive(holder, image, names.collect(), progress).await
    }

    async fn rootfs(
        &self,
        holder: &Holder,
        (file, _kept): (File, Option<Scratch>),
        name: &str,
        tenant: Option<&str>,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Error> {
        let most = self.0.options.caps.bytes;
        let (file, media_type, blob) = aside(move || {
            let media_type = rootfs::media_type_of(Whole::of(&file)?)?;
            let blob = hash(Whole::of(&file)?, most)?;
            Ok((file, media_type, blob))
        })
        .await?;
        holder.copy(&blob, Whole::of(&file)?).await?;
        progress.told(&blob, Stage::Fetched);
        let compression = rootfs::compression_of(&media_type);
        let diff_id = (compression == Compression::Plain).then(|| blob.digest.clone());
        let wanted = Wanted { blob: blob.clone(), compression, diff_id, caps: self.0.options.caps };
        let (hearing, read) = (Arc::clone(progress), blob.clone());
        let told = move |done| hearing.told(&read, Stage::Unpacking { done });
        let layer = holder.unpack(&self.0.tool, wanted, told).await?;
        let config_bytes = rootfs::config(&layer.diff_id, jiff::Timestamp::now());
        let config = holder.put(config_bytes.clone()).await?;
        let document = rootfs::image(&config, &blob, media_type)?;
        let Document::Image(parsed) = Document::parse(&document, None)? else {
            return Err(Error::Internal("a manifest that was made is none".into()));
        };
        let manifest = holder.put(document).await?;
        let image = NewImage::of(manifest.clone(), &parsed, &config_bytes)?;
        let tenant = tenant.map(str::to_owned);
        let name = NewName { tenant, name: name.to_owned(), source: manifest.digest };
        self.arrive(holder, image, vec![name], progress).await
    }
}

async fn read(members: &Arc<Members>, name: String) -> Result<Vec<u8>, Error> {
    let members = Arc::clone(members);
    aside(move || members.document(&name)?.ok_or_else(|| missing(&name))).await
}

fn missing(what: &str) -> Error {
    Error::malformed(format!("the archive has no {what:.200}"))
}
