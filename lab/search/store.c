/* The trial store: a small sqlite file, so that a killed search resumes and two searches may share it. */
#include "search.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct w_store {
    weir_context *ctx;
    sqlite3 *db;
    sqlite3_stmt *get, *begin, *put, *count;
    char path[400];
};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=60000;"
    "CREATE TABLE IF NOT EXISTS trial (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS attempt (id INTEGER PRIMARY KEY, key TEXT NOT NULL);"
    "PRAGMA user_version=1;";

static weir_status db_fail(const w_store *s, int rc, weir_error *e) {
    if (rc == SQLITE_NOMEM) return w_oom(e, 0, "the trial store");
    weir_status st = rc == SQLITE_FULL || rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY ? WEIR_NO_RESOURCE : WEIR_BAD_INPUT;
    return w_fail(e, st, "trial store %s: %s", s->path, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

static int prepare_all(w_store *s) {
    int rc = sqlite3_prepare_v2(s->db, "SELECT value FROM trial WHERE key = ?1", -1, &s->get, NULL);
    if (!rc) rc = sqlite3_prepare_v2(s->db, "INSERT INTO attempt(key) VALUES (?1)", -1, &s->begin, NULL);
    if (!rc) rc = sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO trial VALUES (?1, ?2)", -1, &s->put, NULL);
    if (!rc) rc = sqlite3_prepare_v2(s->db, "SELECT count(*) FROM trial WHERE key LIKE ?1 || '%'", -1, &s->count, NULL);
    return rc;
}

/* A search that starts afresh drops what an earlier one left; WAL side files go with it. */
static void remove_old(const char *path) {
    char side[420];
    const char *const suffix[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < W_COUNT(suffix); i++) {
        snprintf(side, sizeof side, "%s%s", path, suffix[i]);
        remove(side);
    }
}

weir_status w_store_open(weir_context *ctx, const char *path, bool resume, w_store **out, weir_error *e) {
    if (path && strlen(path) >= sizeof((w_store *)0)->path) return w_fail(e, WEIR_USAGE, "the path of the trial store is too long");
    w_store *s = w_calloc(ctx, 1, sizeof *s);
    if (!s) return w_oom(e, sizeof *s, "the trial store");
    s->ctx = ctx;
    snprintf(s->path, sizeof s->path, "%s", path ? path : ":memory:");
    if (path && !resume) remove_old(path);
    int rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (!rc) rc = sqlite3_exec(s->db, schema, NULL, NULL, NULL);
    if (!rc) rc = prepare_all(s);
    if (rc) {
        weir_status st = db_fail(s, rc, e);
        w_store_close(s);
        return st;
    }
    *out = s;
    return WEIR_OK;
}

void w_store_close(w_store *s) {
    if (!s) return;
    sqlite3_finalize(s->get);
    sqlite3_finalize(s->begin);
    sqlite3_finalize(s->put);
    sqlite3_finalize(s->count);
    sqlite3_close(s->db);
    w_free(s->ctx, s, sizeof *s);
}

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
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
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
