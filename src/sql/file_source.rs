//! Where SQL files are: below a directory, or in the program.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::files::Files;
use super::folder::SCHEMA;

/// Where a program's SQL files are.
#[derive(Clone, Debug, Default)]
pub enum FileSource {
    /// It has none.
    #[default]
    None,
    /// Below this directory.
    Below(PathBuf),
    /// In itself.
    Compiled(Arc<Compiled>),
}

/// Files that are part of the program.
#[derive(Debug)]
pub struct Compiled {
    files: Files,
    /// The path and the text of `schema.sql`.
    schema: Option<(PathBuf, String)>,
}

impl FileSource {
    /// These paths and texts. `schema.sql` and `peppercorn.lock` are what they are in a directory.
    pub fn compiled(files: &[(&str, &str)]) -> FileSource {
        let is_schema = |path: &Path| path.file_name().is_some_and(|name| name == SCHEMA);
        let files = files.iter();
        let texts = files.map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
        let (schema, texts) = texts.partition::<Vec<_>, _>(|(path, _)| is_schema(path));
        FileSource::Compiled(Arc::new(Compiled {
            files: Files::compiled(texts),
            schema: schema.into_iter().next(),
        }))
    }

    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        matches!(self, FileSource::None)
    }

    /// The directory, if they are below one.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            FileSource::Below(directory) => Some(directory),
            FileSource::None | FileSource::Compiled(_) => None,
        }
    }

    /// Reads them.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn read(&self) -> anyhow::Result<Files> {
        match self {
            FileSource::None => Ok(Files::compiled(Vec::new())),
            FileSource::Below(directory) => Files::read(directory),
            FileSource::Compiled(compiled) => Ok(compiled.files.clone()),
        }
    }

    /// The path and the text of what fills a new private cluster, if there is such a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn schema(&self) -> anyhow::Result<Option<(PathBuf, String)>> {
        match self {
            FileSource::None => Ok(None),
            FileSource::Below(directory) => {
                let path = directory.join(SCHEMA);
                if !path.is_file() {
                    return Ok(None);
                }
                let text = fs::read_to_string(&path);
                let text = text.with_context(|| format!("cannot read {}", path.display()))?;
                Ok(Some((path, text)))
            }
            FileSource::Compiled(compiled) => Ok(compiled.schema.clone()),
        }
    }

    /// The directory, or the program that has them in itself.
    pub fn path(&self) -> PathBuf {
        let path = match self {
            FileSource::Below(directory) => directory.clone(),
            FileSource::None | FileSource::Compiled(_) => env::current_exe().unwrap_or_default(),
        };
        fs::canonicalize(&path).unwrap_or(path)
    }

    /// What the API of these files is called: as the directory, or the program.
    pub fn title(&self) -> String {
        let path = self.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.map_or_else(|| "API".to_owned(), |name| name.into_owned())
    }
}
