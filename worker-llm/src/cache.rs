//! Answers that were paid for once, in a folder: the same request to the same model is not sent again.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use pipeline::error::Failure;

use crate::client::{Reply, Request};

/// A folder of replies, each under the hash of everything that determines it: the way to ask and the request's whole
/// body (model, question, sampling, seed, schema, fields of the server's own). The server's address is none of it: two
/// servers that call different models by one name must not share a folder.
///
/// Any number of processes may use a folder at once: an entry is written aside and renamed, so that it is whole or not
/// there, and whoever writes it second writes the same.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, and makes it where it is missing.
    ///
    /// # Errors
    /// It cannot be made or written to: [`Failure::Usage`].
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let wrong = |error: std::io::Error| Failure::Usage(format!("--cache {}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(wrong)?;
        tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The reply to a request that was answered before. An entry that cannot be read counts as none.
    pub async fn get(&self, request: &Request) -> Option<Reply> {
        let path = self.path(request);
        let read = tokio::task::spawn_blocking(move || match std::fs::read(&path) {
            Ok(text) => match serde_json::from_slice::<Reply>(&text) {
                Ok(reply) => Some(reply).filter(|reply| !reply.answers.is_empty()),
                Err(error) => {
                    tracing::warn!(entry = %path.display(), %error, "a cached answer does not read; asking again");
                    None
                }
            },
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::warn!(entry = %path.display(), %error, "a cached answer cannot be read; asking again");
                }
                None
            }
        });
        read.await.ok().flatten()
    }

    /// Keeps a reply. A disk that refuses costs the saving, not the reply.
    pub async fn put(&self, request: &Request, reply: &Reply) {
        let (path, reply) = (self.path(request), reply.clone());
        let written = tokio::task::spawn_blocking(move || write(&path, &reply)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(folder = %self.folder.display(), %error, "an answer could not be cached");
        }
    }

    fn path(&self, request: &Request) -> PathBuf {
        let mut hash = blake3::Hasher::new();
        // The version of the entries' form.
        hash.update(b"1 ");
        hash.update(format!("{:?} ", request.api).as_bytes());
        // Keys have a fixed order, and a table of JSON values always serialises.
        hash.update(&serde_json::to_vec(&request.body).unwrap_or_default());
        let name = hash.finalize().to_hex().to_string();
        // Folders of a few thousand entries each stay quick to list.
        self.folder.join(&name[..2]).join(format!("{name}.json"))
    }
}

fn write(path: &Path, reply: &Reply) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(reply)?)?;
    file.persist(path)?;
    Ok(())
}
