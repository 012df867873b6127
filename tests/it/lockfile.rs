//! `peppercorn.lock`: what the database says, for when it is away.

use rustix::process::Signal;

use crate::harness::{
    Database, Door, Ended, Folder, Server, database, golden, peppercorn, poll, run,
};

const SCHEMA: &str = "
    create type mood as enum ('sad', 'so, so');
    create domain isbn as varchar(13) check (value ~ '^[0-9]+$');
    create type size as (width int, height numeric);
    create table books (
      id int generated always as identity primary key, title varchar(80) not null, isbn isbn, moods mood[], size size
    );
    comment on column books.title is 'On its \"cover\"';
    insert into books (title) values ('A book');
";

const BOOKS: &str = "-- name: list-books
-- http: GET /books
-- List books.
-- :moods mood[] default null
-- :limit int default 20
select id, title, isbn, moods, size from books where :moods is null or moods && :moods order by id limit :limit;

-- name: add-book<!
-- http: POST /books
-- Add a book.
-- :title text max 80
select 1 as \"one!\", null as nothing, 'é\n';
insert into books (title) values (:title)
returning id, title, case when id = 1 then 200 else 201 end as _status, '/books/' || id as _location;
";

struct Home {
    database: Database,
    folder: Folder,
}

impl Home {
    fn new(name: &str) -> Home {
        let database = database(name);
        database.run(SCHEMA);
        let folder = Folder::with(&[("api/books.sql", BOOKS)]);
        Home { database, folder }
    }

    /// With a lock file.
    fn locked(name: &str) -> Home {
        let home = Home::new(name);
        let ended = home.check(&["--lock"]);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
        home
    }

    #[track_caller]
    fn run(&self, command: &str, url: &str, options: &[&str]) -> Ended {
        let directory = self.folder.path().join("api");
        let mut ended = run(peppercorn()
            .arg(command)
            .arg(&directory)
            .args(options)
            .env("DATABASE_URL", url));
        let prefix = format!("{}/", directory.display());
        ended.stderr = ended.stderr.replace(&prefix, "");
        ended
    }

    #[track_caller]
    fn check(&self, options: &[&str]) -> Ended {
        self.run("check", &self.database.url(), options)
    }

    /// Serves on the database behind `url`.
    #[track_caller]
    fn serve(&self, url: &str, options: &[&str]) -> Server {
        let mut command = peppercorn();
        command.arg("serve").arg(self.folder.path().join("api"));
        command.args(options).env("DATABASE_URL", url);
        Server::spawn(command)
    }

    fn lock(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join("api/peppercorn.lock")).ok()
    }

    fn write(&self, name: &str, text: &str) {
        self.folder.write(&format!("api/{name}"), text);
    }
}

/// Waits until every worker has the database.
#[track_caller]
fn await_database(server: &Server) {
    poll("the database in all workers", || {
        let workers = server.service().workers;
        let all = workers.iter().all(|worker| worker.database == Some(true));
        (all && server.get("/readyz").status == 200).then_some(())
    });
}

#[test]
fn it_holds_what_the_database_says() {
    let home = Home::new("lockfile_golden");
    assert_eq!(home.check(&[]).stdout, "2 endpoints, nothing wrong\n");
    assert_eq!(home.lock(), None);
    let ended = home.check(&["--lock"]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.stdout, "2 endpoints, nothing wrong\n");
    let lock = home.lock().unwrap();
    golden("peppercorn.lock", &lock);
    // It is read again as it is.
    assert_eq!(home.check(&[]).stdout, "2 endpoints, nothing wrong\n");
    // The order of files and endpoints says nothing.
    let (list, add) = BOOKS.split_at(BOOKS.find("-- name: add-book").unwrap());
    home.write("books.sql", add);
    home.write("deep/list.sql", list);
    assert_eq!(
        home.check(&["--lock"]).stdout,
        "2 endpoints, nothing wrong\n"
    );
    assert_eq!(home.lock(), Some(lock));
}

#[test]
fn it_is_not_written_of_what_is_wrong() {
    let home = Home::locked("lockfile_wrong");
    let before = home.lock();
    home.write("books.sql", &BOOKS.replace("isbn,", "isbm,"));
    let ended = home.check(&["--lock"]);
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert!(
        ended
            .stderr
            .starts_with("books.sql:6:19: column \"isbm\" does not exist"),
        "{ended:?}"
    );
    assert_eq!(home.lock(), before);
    home.write("books.sql", BOOKS);
    let path = home.folder.path().join("api/peppercorn.lock");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere/peppercorn.lock", &path).unwrap();
    let ended = home.check(&["--lock"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(71), ""), "{ended:?}");
    let told = "cannot write peppercorn.lock: No such file or directory";
    assert!(ended.stderr.contains(told), "{ended:?}");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let ended = home.check(&["--lock"]);
    assert_eq!(ended.code, Some(66), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("cannot read peppercorn.lock: Is a directory"),
        "{ended:?}"
    );
}

#[test]
fn what_has_changed_since_is_doubtful() {
    let home = Home::locked("lockfile_outdated");
    const HINT: &str = "write it anew with peppercorn check --lock, and look at the difference";
    let told = || {
        let ended = home.check(&[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stderr.replace(&format!("    hint: {HINT}\n"), "")
    };
    // The database has.
    home.database
        .run("alter table books alter title drop not null");
    let both = "peppercorn.lock:4:5: warning: the database says something else of add-book\n\
                peppercorn.lock:57:5: warning: the database says something else of list-books\n";
    assert_eq!(told(), both);
    home.database
        .run("alter table books alter title set not null");
    assert_eq!(told(), "");
    // The files have.
    let changed = BOOKS.replace("isbn, moods, size from", "isbn, moods from");
    home.write("books.sql", &changed);
    let list = "peppercorn.lock:57:5: warning: list-books is not in peppercorn.lock as it is now\n";
    assert_eq!(told(), list);
    home.write("books.sql", &BOOKS.replace("list-books", "all-books"));
    let new = "peppercorn.lock:1:1: warning: all-books is not in peppercorn.lock as it is now\n";
    assert_eq!(told(), new);
    // It has itself.
    home.write("books.sql", BOOKS);
    let lock = home.lock().unwrap();
    home.write(
        "peppercorn.lock",
        &lock.replace("\"version\": 1", "\"version\": 2"),
    );
    let other =
        "peppercorn.lock:1:1: warning: peppercorn.lock is of another version of peppercorn\n";
    assert_eq!(told(), other);
    home.write("peppercorn.lock", "{");
    assert!(
        told().contains("peppercorn.lock:1:1: warning: peppercorn.lock is not JSON: "),
        "{}",
        told()
    );
    // Written anew, it is as it was, and nothing is doubtful.
    let ended = home.check(&["--lock"]);
    assert_eq!((ended.stderr.as_str(), home.lock()), ("", Some(lock)));
    // A service with a database does not need it.
    home.write("peppercorn.lock", "{");
    home.write("books.sql", &changed);
    let server = home.serve(&home.database.url(), &[]).ready();
    assert_eq!(
        server.get("/books").body,
        r#"[{"id":1,"title":"A book","isbn":null,"moods":null}]"#
    );
    assert!(!server.log().contains("lock"), "{}", server.log());
}

#[test]
fn a_service_starts_with_its_database_away_and_goes_on_once_it_is_there() {
    let home = Home::locked("lockfile_away");
    let with_database = home.serve(&home.database.url(), &[]).ready();
    let document = with_database.get("/openapi.json").body;
    assert!(document.contains("\"/books\""), "{document}");
    for options in [&[][..], &["--workers", "2"], &["--threads", "2"]] {
        let door = Door::to(&home.database);
        let server = home.serve(door.url(), options);
        server.says("the endpoints are served as peppercorn.lock has them");
        server.says("Connection refused");
        assert_eq!(server.get("/openapi.json").body, document);
        if cfg!(feature = "docs") {
            assert_eq!(server.get("/docs").status, 200);
        }
        assert_eq!(server.get("/ping").body, "pong");
        for answer in [
            server.get("/books"),
            server.send("POST", "/books", r#"{"title":"Another"}"#),
            server.get("/readyz"),
        ] {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
        }
        // What is wrong with a request is known all the same.
        assert_eq!(server.get("/books?limit=x&nosuch=1").status, 400);
        door.open();
        await_database(&server);
        assert_eq!(server.get("/books?limit=1").status, 200);
        let answer = server.send("POST", "/books", r#"{"title":"Another"}"#);
        assert_eq!(answer.status, 201, "{answer:?}");
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn one_that_is_out_of_date_is_no_reason_to_start() {
    let home = Home::locked("lockfile_refused");
    let (lock, door) = (home.lock().unwrap(), Door::to(&home.database));
    let changed = BOOKS.replace("order by id", "order by title");
    let new = BOOKS.to_owned() + "\n-- name: one$\n-- http: GET /one\n-- One.\nselect 1;\n";
    for (books, lock, reason) in [
        (
            &*changed,
            &*lock,
            "list-books is not in peppercorn.lock as it is now, ",
        ),
        (&new, &lock, "one is not in peppercorn.lock as it is now, "),
        (
            BOOKS,
            &lock.replace("\"int4\"", "4"),
            "list-books is not in peppercorn.lock as it is now, ",
        ),
        (
            BOOKS,
            "{}",
            "peppercorn.lock is of another version of peppercorn, ",
        ),
        (BOOKS, "{", "peppercorn.lock is not JSON: "),
    ] {
        home.write("books.sql", books);
        home.write("peppercorn.lock", lock);
        for (command, options) in [
            ("serve", &["--bind", "127.0.0.1:0"][..]),
            ("serve", &["--bind", "127.0.0.1:0", "--workers", "2"]),
            ("openapi", &[]),
        ] {
            let ended = home.run(command, door.url(), options);
            assert_eq!(ended.code, Some(69), "{reason}\n{ended:?}");
            let told = ended.stderr.contains(reason)
                && ended.stderr.contains("and the database cannot be asked: ")
                && ended.stderr.contains("Connection refused");
            assert!(told && ended.stdout.is_empty(), "{reason}\n{ended:?}");
        }
    }
    // Who looks at the files wants to know what the database says.
    home.write("books.sql", BOOKS);
    home.write("peppercorn.lock", &lock);
    let ended = home.run("check", door.url(), &[]);
    assert_eq!((ended.code, &*ended.stdout), (Some(69), ""), "{ended:?}");
    // What is wrong in the files by themselves is told first.
    home.write("books.sql", &BOOKS.replace("'é\n'", "'é\n"));
    let ended = home.run("serve", door.url(), &[]);
    assert_eq!(ended.code, Some(65), "{ended:?}");
}

#[test]
fn the_document_is_printed_with_the_database_away() {
    let home = Home::locked("lockfile_document");
    let there = home.run("openapi", &home.database.url(), &[]);
    let door = Door::to(&home.database);
    let away = home.run("openapi", door.url(), &[]);
    assert_eq!(
        (away.code, &away.stdout),
        (Some(0), &there.stdout),
        "{away:?}"
    );
    assert!(away.stderr.contains("Connection refused"), "{away:?}");
}

#[test]
fn a_reload_with_the_database_away_changes_nothing() {
    let home = Home::locked("lockfile_reload");
    for options in [&[][..], &["--workers", "2"]] {
        let door = Door::to(&home.database);
        let server = home.serve(door.url(), options);
        let document = server.get("/openapi.json").body;
        home.write("books.sql", &BOOKS.replace("GET /books", "GET /novels"));
        server.signal(Signal::HUP);
        server.says("not reloaded");
        assert_eq!(server.get("/openapi.json").body, document);
        assert_eq!(server.get("/books").status, 503);
        door.open();
        await_database(&server);
        assert_eq!(server.get("/books").status, 200);
        server.signal(Signal::HUP);
        poll("the new route", || {
            (server.get("/novels").status == 200).then_some(())
        });
        // GET was the route's alone; who serves from before is on the way out.
        poll("the old route to be gone", || {
            (server.get("/books").status == 405).then_some(())
        });
        home.write("books.sql", BOOKS);
    }
}
