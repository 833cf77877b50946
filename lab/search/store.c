/* The trial store: a small sqlite file, so that a killed search resumes and two searches may share it.
 *
 * Every run that has a store open holds a read lock on one byte far behind its end (an open file description lock: sqlite's
 * own are elsewhere, and a change from writing to reading has no gap). A run that starts afresh empties the store only when
 * it gets the write lock, that is when nobody else is there; otherwise it joins: trials are pure functions of their key. */
#include "search.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION 0x57454952 /* "WEIR", in the header of the file */
#define VERSION 2              /* 2: trials say what moves, by margin */
#define LOCK_AT 0x60000000     /* behind the bytes that sqlite locks */

struct w_store {
    weir_context *ctx;
    sqlite3 *db;
    sqlite3_stmt *get, *begin, *put, *count;
    int lock;                  /* -1: in memory */
    char path[400];
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS trial (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS attempt (id INTEGER PRIMARY KEY, key TEXT NOT NULL);"
    "PRAGMA application_id=0x57454952; PRAGMA user_version=2;"
    "COMMIT;";

static weir_status db_fail(const w_store *s, int rc, weir_error *e) {
    if (rc == SQLITE_NOMEM) return w_oom(e, 0, "the trial store");
    weir_status st = rc == SQLITE_FULL || rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY || rc == SQLITE_BUSY
                         ? WEIR_NO_RESOURCE : WEIR_BAD_INPUT;
    const char *hint = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? "; remove it to start afresh" : "";
    return w_fail(e, st, "trial store %s: %s%s", s->path, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc), hint);
}

static int prepare_all(w_store *s) {
    int rc = sqlite3_prepare_v2(s->db, "SELECT value FROM trial WHERE key = ?1", -1, &s->get, NULL);
    if (!rc) rc = sqlite3_prepare_v2(s->db, "INSERT INTO attempt(key) VALUES (?1)", -1, &s->begin, NULL);
    if (!rc) rc = sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO trial VALUES (?1, ?2)", -1, &s->put, NULL);
    if (!rc) rc = sqlite3_prepare_v2(s->db, "SELECT count(*) FROM trial WHERE key LIKE ?1 || '%'", -1, &s->count, NULL);
    return rc;
}

/* ---- the file: who else is there, what it is ---- */

static weir_status file_fail(const w_store *s, const char *doing, int code, weir_error *e) {
    bool room = code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE || code == ENOLCK;
    return w_fail(e, room ? WEIR_NO_RESOURCE : WEIR_BAD_INPUT, "trial store %s: cannot %s: %s", s->path, doing, strerror(code));
}

static int lock_store(const w_store *s, short type, bool wait) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = LOCK_AT, .l_len = 1};
    return fcntl(s->lock, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l) == 0 ? 0 : errno;
}

/* What an earlier search left goes away, its side files with it; what is no store stays and is refused. */
static weir_status empty_store(const w_store *s, weir_error *e) {
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic], side[420];
    ssize_t n = pread(s->lock, head, sizeof head, 0);
    if (n != 0 && (n != (ssize_t)sizeof head || memcmp(head, magic, sizeof magic) != 0))
        return w_fail(e, WEIR_BAD_INPUT, "trial store %s: this file is no trial store and is left alone; remove it or choose another place", s->path);
    if (n != 0 && ftruncate(s->lock, 0) != 0) return file_fail(s, "write", errno, e);
    const char *const suffix[] = {"-wal", "-shm"};
    for (size_t i = 0; i < W_COUNT(suffix); i++) {
        snprintf(side, sizeof side, "%s%s", s->path, suffix[i]);
        unlink(side);
    }
    return WEIR_OK;
}

static weir_status enter(w_store *s, bool resume, bool *alone, weir_error *e) {
    s->lock = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock < 0) return file_fail(s, "open", errno, e);
    *alone = lock_store(s, F_WRLCK, false) == 0;
    if (*alone) return resume ? WEIR_OK : empty_store(s, e);
    int bad = lock_store(s, F_RDLCK, true); /* waits while another run is opening it */
    return bad ? file_fail(s, "lock", bad, e) : WEIR_OK;
}

static int number(w_store *s, const char *sql, int *out) {
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
    if (!rc) rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) *out = sqlite3_column_int(q, 0), rc = SQLITE_OK;
    sqlite3_finalize(q);
    return rc;
}

static weir_status check_kind(w_store *s, bool *fresh, weir_error *e) {
    int application = 0, version = 0, tables = 0;
    int rc = number(s, "PRAGMA application_id", &application);
    if (!rc) rc = number(s, "PRAGMA user_version", &version);
    if (!rc) rc = number(s, "SELECT count(*) FROM sqlite_master", &tables);
    if (rc) return db_fail(s, rc, e);
    *fresh = tables == 0 && application == 0 && version == 0;
    if (*fresh) return WEIR_OK;
    if (application != APPLICATION) return w_fail(e, WEIR_BAD_INPUT, "trial store %s: an sqlite file of another program", s->path);
    if (version != VERSION) return w_fail(e, WEIR_BAD_INPUT, "trial store %s: version %d, this weir reads %d; remove it to start afresh", s->path, version, VERSION);
    return WEIR_OK;
}

static weir_status open_db(w_store *s, weir_error *e) {
    bool fresh = false;
    int rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (!rc) rc = sqlite3_busy_timeout(s->db, 60000);
    if (rc) return db_fail(s, rc, e);
    W_TRY(check_kind(s, &fresh, e));
    rc = sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", NULL, NULL, NULL);
    if (!rc && fresh) rc = sqlite3_exec(s->db, schema, NULL, NULL, NULL);
    if (!rc) rc = prepare_all(s);
    return rc ? db_fail(s, rc, e) : WEIR_OK;
}

weir_status w_store_open(weir_context *ctx, const char *path, bool resume, w_store **out, weir_error *e) {
    bool alone = false;
    if (path && strlen(path) >= sizeof((w_store *)0)->path) return w_fail(e, WEIR_USAGE, "the path of the trial store is too long");
    w_store *s = w_calloc(ctx, 1, sizeof *s);
    if (!s) return w_oom(e, sizeof *s, "the trial store");
    s->ctx = ctx;
    s->lock = -1;
    snprintf(s->path, sizeof s->path, "%s", path ? path : ":memory:");
    weir_status st = path ? enter(s, resume, &alone, e) : WEIR_OK;
    if (st == WEIR_OK) st = open_db(s, e);
    if (st == WEIR_OK && alone) (void)lock_store(s, F_RDLCK, false); /* others may join now */
    if (st != WEIR_OK) w_store_close(s);
    else *out = s;
    return st;
}

/* The lock goes last: closing a file drops all of sqlite's own locks on it. */
void w_store_close(w_store *s) {
    if (!s) return;
    sqlite3_finalize(s->get);
    sqlite3_finalize(s->begin);
    sqlite3_finalize(s->put);
    sqlite3_finalize(s->count);
    sqlite3_close(s->db);
    if (s->lock >= 0) close(s->lock);
    w_free(s->ctx, s, sizeof *s);
}

/* ---- trials ---- */

weir_status w_store_get(w_store *s, const char *key, json_t **out, weir_error *e) {
    weir_status st = WEIR_OK;
    *out = NULL;
    int rc = sqlite3_bind_text(s->get, 1, key, -1, SQLITE_STATIC);
    if (!rc) rc = sqlite3_step(s->get);
    if (rc == SQLITE_ROW)
        st = w_json_parse((const char *)sqlite3_column_text(s->get, 0), (size_t)sqlite3_column_bytes(s->get, 0), s->path, out, e);
    else if (rc != SQLITE_DONE)
        st = db_fail(s, rc, e);
    sqlite3_reset(s->get);
    return st;
}

weir_status w_store_numbers(const w_store *s, const char *key, const json_t *value, const char *const *names, weir_error *e) {
    for (; *names; names++)
        if (!json_is_number(json_object_get(value, *names)))
            return w_fail(e, WEIR_BAD_INPUT, "trial store %s: entry '%s' is damaged: no number '%s'; remove the store to start afresh", s->path, key, *names);
    return WEIR_OK;
}

static weir_status run(w_store *s, sqlite3_stmt *q, const char *key, const char *value, weir_error *e) {
    int rc = sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
    if (!rc && value) rc = sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
    if (!rc) rc = sqlite3_step(q);
    weir_status st = rc == SQLITE_DONE ? WEIR_OK : db_fail(s, rc, e);
    sqlite3_reset(q);
    return st;
}

weir_status w_store_begin(w_store *s, const char *key, weir_error *e) { return run(s, s->begin, key, NULL, e); }

weir_status w_store_put(w_store *s, const char *key, const json_t *value, weir_error *e) {
    char *text = w_json_text(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (!text) return w_oom(e, 0, "the trial store");
    weir_status st = run(s, s->put, key, text, e);
    free(text);
    return st;
}

weir_status w_store_count(w_store *s, const char *prefix, size_t *trials, weir_error *e) {
    int rc = sqlite3_bind_text(s->count, 1, prefix, -1, SQLITE_STATIC);
    if (!rc) rc = sqlite3_step(s->count);
    weir_status st = rc == SQLITE_ROW ? WEIR_OK : db_fail(s, rc, e);
    if (st == WEIR_OK) *trials = (size_t)sqlite3_column_int64(s->count, 0);
    sqlite3_reset(s->count);
    return st;
}
