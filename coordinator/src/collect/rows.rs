use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, stdin},
    path::Path,
};

use super::inputs::Packing;

/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Opens a file of lines, unpacking as it is read.
///
/// # Errors
/// The file cannot be opened.
pub(super) fn open(path: &Path, packing: Packing) -> io::Result<Box<dyn BufRead + Send>> {
    unpack(File::open(path)?, packing)
}

/// Lines of a file as it comes, unpacking as it is read.
///
/// # Errors
/// There is no memory for an unpacker.
pub(super) fn unpack(file: impl Read + Send + 'static, packing: Packing) -> io::Result<Box<dyn BufRead + Send>> {
    let file = BufReader::with_capacity(BUFFER_BYTES, file);
    Ok(match packing {
        Packing::None => Box::new(file),
        // A file may be several one after another, as `cat a.gz b.gz` makes.
        Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::bufread::MultiGzDecoder::new(file))),
        Packing::Zstd => {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::stream::read::Decoder::with_buffer(file)?))
        }
    })
}

/// Lines of stdin.
pub(super) fn open_stdin() -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, stdin()))
}

/// Whether what stands in the file is at fault, not the disk.
pub(super) fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // zstd's own words come as `Other`.
    matches!(error.kind(), Kind::InvalidData | Kind::InvalidInput | Kind::UnexpectedEof | Kind::Other)
}
