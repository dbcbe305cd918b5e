//! Input from object storage gives what the same files give from disk, whatever a store does to its answers. The store is
//! a stand-in of ours: which bucket is asked says what it does.

#![allow(clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod process;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::Path,
    process::Output,
    sync::{Arc, Mutex},
};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use coordinator::collect::InputIdentity;
use futures_util::stream;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use process::program;

/// What the store holds in every bucket, and the ranges that it was asked for: bucket, first byte, bytes.
struct Store {
    objects: BTreeMap<String, Bytes>,
    asked: Mutex<Vec<(String, usize, usize)>>,
}

/// Starts the store; its URL.
fn serve(store: Arc<Store>) -> String {
    let app = Router::new().fallback(answer).with_state(store);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket of ours");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await
        })
    });
    url
}

fn plain(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(status).body(body.into()).expect("all parts are valid")
}

/// Each store's client has an encoding of its own.
fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

async fn answer(State(store): State<Arc<Store>>, request: Request) -> Response {
    let path = decoded(request.uri().path().trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    match bucket {
        "denied" => return plain(403, "<Error><Code>AccessDenied</Code></Error>"),
        "gone" => return plain(404, "<Error><Code>NoSuchBucket</Code></Error>"),
        _ => {}
    }
    if key.is_empty() {
        let query = request.uri().query().unwrap_or_default();
        let prefix = decoded(query.split('&').find_map(|part| part.strip_prefix("prefix=")).unwrap_or_default());
        let found = store.objects.iter().filter(|(key, _)| key.starts_with(&prefix));
        let entry = |(key, bytes): (&String, &Bytes)| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>\"one\"</ETag>\
                 <Size>{}</Size></Contents>",
                bytes.len()
            )
        };
        let entries: String = found.map(entry).collect();
        return plain(200, format!("<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"));
    }
    let Some(bytes) = store.objects.get(key) else { return plain(404, "<Error><Code>NoSuchKey</Code></Error>") };
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let range = header("range").and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
    });
    let response =
        Response::builder().header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT").header("etag", "\"one\"");
    let Some((first, last)) = range else {
        let length = bytes.len();
        let body = if request.method() == "HEAD" { Body::empty() } else { Body::from(bytes.clone()) };
        return response.header("content-length", length).body(body).expect("all parts are valid");
    };
    assert_eq!(header("if-match").as_deref(), Some("\"one\""), "every range is of the object that was found");
    let times = {
        let mut asked = store.asked.lock().expect("nobody panics while holding it");
        asked.push((bucket.to_owned(), first, last + 1 - first));
        asked.iter().filter(|(of, ..)| of == bucket).count()
    };
    match bucket {
        "busy" if times % 4 == 1 => return plain(503, "<Error><Code>SlowDown</Code></Error>"),
        "changed" if first > 0 => return plain(412, "<Error><Code>PreconditionFailed</Code></Error>"),
        _ => {}
    }
    let part = bytes.slice(first..=last);
    let length = part.len();
    // Blocks begin at such a place, and what is asked for again does not. A short body would go with its head or not at all.
    let body = if bucket == "cut" && first % 4096 == 0 && length > 100_000 {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        Body::from_stream(stream::iter([Ok(part.slice(..length - 777)), Err(broken)]))
    } else {
        Body::from(part)
    };
    response
        .status(206)
        .header("content-range", format!("bytes {first}-{last}/{}", bytes.len()))
        .header("content-length", length)
        .body(body)
        .expect("all parts are valid")
}

/// Files of every kind that is read, in a folder whose name must be percent-encoded.
fn corpus(folder: &Path) -> io::Result<()> {
    // 5 MB in a few rows, most of it comments: several blocks, and little to parse.
    let comment = "# what a function of this length says about itself\n".repeat(1000);
    let row = |k: usize| {
        let content = format!("def f{k}(a):\n    return a + {k}\n{comment}");
        format!("{}\n", serde_json::json!({ "id": k, "content": content }))
    };
    let rows: String = (0..100).map(row).collect();
    fs::create_dir_all(folder.join("py/sub"))?;
    fs::write(folder.join("rows.jsonl"), &rows)?;
    let mut gzip =
        flate2::write::GzEncoder::new(fs::File::create(folder.join("rows.jsonl.gz"))?, flate2::Compression::fast());
    gzip.write_all(rows.as_bytes())?;
    gzip.finish()?;
    fs::write(folder.join("rows.jsonl.zst"), zstd::encode_all(rows.as_bytes(), 1)?)?;
    fs::write(folder.join("py/b.py"), "def f(a):\n    return a * 2\n")?;
    fs::write(folder.join("py/a.py"), "def g(a):\n    return a * 3\n")?;
    fs::write(folder.join("py/sub/a.py"), "def h(a):\n    return a * 4\n")?;
    fs::write(folder.join("py/empty.py"), "")?;
    fs::write(folder.join("py/notes.jsonl"), "{}\n")?;

    let column =
        |of: &dyn Fn(usize) -> String| Arc::new((0..100).map(|k| Some(of(k))).collect::<StringArray>()) as ArrayRef;
    let columns = [
        ("content", column(&|k| format!("def f(a):\n    return a - {k}\n"))),
        ("unread", column(&|k| k.to_string().repeat(150_000))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(50))
        .build();
    let file = fs::File::create(folder.join("rows.parquet"))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a file of ours");
    writer.write(&batch).expect("a file of ours");
    writer.close().expect("a file of ours");
    Ok(())
}

/// What `collect` says of an input, with what it turned down.
fn collect(input: &str, store: &str, rejected: &Path) -> (Output, String) {
    let environment = [
        ("AWS_ENDPOINT_URL", store),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("GOOGLE_BASE_URL", store),
        ("GOOGLE_SKIP_SIGNATURE", "true"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let arguments = ["collect", input, "--rejected"];
    let output = program("case2code").args(arguments).arg(rejected).envs(environment).output().expect("it starts");
    (output, fs::read_to_string(rejected).unwrap_or_default())
}

#[test]
fn objects_give_what_files_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("50% of it");
    corpus(&files).expect("files of ours");
    let mut objects: BTreeMap<String, Bytes> = BTreeMap::new();
    for name in ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst", "rows.parquet"] {
        objects.insert(format!("a b/{name}"), fs::read(files.join(name)).expect("just written").into());
    }
    for name in ["py/b.py", "py/a.py", "py/sub/a.py", "py/empty.py", "py/notes.jsonl"] {
        objects.insert(name.to_owned(), fs::read(files.join(name)).expect("just written").into());
    }
    let parquet_bytes = objects["a b/rows.parquet"].len();
    let store = Arc::new(Store { objects, asked: Mutex::default() });
    let url = serve(Arc::clone(&store));
    let rejected = folder.path().join("rejected.jsonl");
    let encoded = files.display().to_string().replace('%', "%25").replace(' ', "%20");

    for (file, object) in [
        ("rows.jsonl", "a b/rows.jsonl"),
        ("rows.jsonl.gz", "a b/rows.jsonl.gz"),
        ("rows.jsonl.zst", "a b/rows.jsonl.zst"),
        ("rows.parquet", "a b/rows.parquet"),
        ("rows.jsonl*", "a b/rows.jsonl*"),
        ("py/", "py/"),
    ] {
        let (local, turned_down) = collect(&format!("{}/{file}", files.display()), &url, &rejected);
        assert!(local.status.success() && !local.stdout.is_empty(), "{file}");
        let urls = ["plain", "busy", "cut"].map(|bucket| format!("s3://{bucket}/{object}"));
        let others = [format!("gs://plain/{object}"), format!("file://{encoded}/{file}")];
        for input in urls.into_iter().chain(others) {
            let (output, rejections) = collect(&input, &url, &rejected);
            assert!(output.status.success(), "{input}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(output.stdout == local.stdout, "{input}: other functions");
            assert!(rejections == turned_down, "{input}: other rejections");
        }
        let asked = std::mem::take(&mut *store.asked.lock().expect("nobody panics while holding it"));
        let of = |bucket: &str| {
            asked
                .iter()
                .filter(move |(of, ..)| of == bucket)
                .map(|(_, first, length)| (*first, *length))
                .collect::<Vec<_>>()
        };
        if file == "rows.parquet" {
            let read = of("plain").iter().map(|(_, length)| length).sum::<usize>() / 2; // of S3, and of Google
            assert!(read < parquet_bytes / 2, "{read} of {parquet_bytes} bytes for one column");
        }
        if file == "rows.jsonl" {
            assert!(of("cut").contains(&((2 << 20) - 777, 777)), "only what is missing is asked for: {:?}", of("cut"));
        }
    }
}

#[test]
fn what_cannot_be_read_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let row = serde_json::json!({ "content": "x".repeat(1000) });
    let objects = [("rows.jsonl".to_owned(), format!("{row}\n").repeat(5000).into())].into();
    let url = serve(Arc::new(Store { objects, asked: Mutex::default() }));
    for (input, code, words) in [
        ("s3://changed/rows.jsonl", 3, "it changed while it was read"),
        ("s3://denied/rows.jsonl", 3, "access denied"),
        ("s3://denied/", 3, "access denied"),
        ("s3://gone/rows.jsonl", 3, "no such object or bucket"),
        ("s3://gone/", 3, "no such object or bucket"),
        ("s3://plain/other.jsonl", 3, "no such object or bucket"),
        ("s3://plain/none/", 3, "no object below"),
        ("s3://plain/*.parquet", 3, "no object matches"),
        ("s3://plain/rows", 2, "not a kind of object"),
        ("s3://plain//rows.jsonl", 2, "begins with /"),
        ("s3:///rows.jsonl", 2, "no bucket"),
        ("s3://a b/rows.jsonl", 2, "cannot be the name"),
        ("ftp://plain/rows.jsonl", 2, "ftp:// is not read"),
        ("file://rows.jsonl", 2, "begins with file:///"),
        ("file:///nowhere/rows.jsonl", 3, "no such object"),
        ("file:///nowhere/", 3, "no object below"),
    ] {
        let (output, _) = collect(input, &url, &folder.path().join("rejected.jsonl"));
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(code), "{input}: {said}");
        assert!(last.starts_with(&format!("error: input {input}: ")) && last.contains(words), "{input}: {said}");
    }
}

#[test]
fn an_endpoint_that_is_no_url_is_a_clear_error() {
    let rejected = tempfile::NamedTempFile::new().expect("a file of ours");
    for endpoint in ["nonsense", "http://a b/", "http://host:port", "ftp://host"] {
        let (output, _) = collect("s3://plain/rows.jsonl", endpoint, rejected.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("not a URL"), "{endpoint}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn an_object_is_another_when_its_bytes_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (folder.path().join("a.py"), folder.path().join("b.py"));
    fs::write(&one, "a = 1\n").expect("a file of ours");
    let identity = || {
        let urls = [format!("file://{}/", folder.path().display()).into()];
        InputIdentity::of(&urls).expect("it is there")
    };
    let first = identity();
    assert_eq!((first[0].size, identity()), (6, first.clone()));
    fs::write(&one, "a = 22\n").expect("a file of ours");
    let second = identity();
    assert_ne!(first, second);
    fs::rename(&one, &other).expect("a file of ours");
    assert_ne!(second, identity());
}
