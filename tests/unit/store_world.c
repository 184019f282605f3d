#include "store_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsio.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

const char world_plugin[] = HEX64;
const char world_begin_body[] =
    "{'agent':'a','depth':0,'input':null,'plugin':'" HEX64 "','root':1,'version':'1'}";

void world_make(world *w) {
    memset(w, 0, sizeof *w);
    const char *tmp = getenv("TMPDIR");
    snprintf(w->dir, sizeof w->dir, "%.40s/keel-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->db, sizeof w->db, "%s/keel.db", w->dir);
    snprintf(w->anchor, sizeof w->anchor, "%s/anchor", w->dir);
    snprintf(w->key, sizeof w->key, "%s/key", w->dir);
    w->at = 1000000;
}

int world_open(world *w) {
    store_options o = {.path = w->db,
                       .anchor = w->anchor,
                       .key = w->key,
                       .vfs = w->vfs,
                       .create = true,
                       .own_anchor = true,
                       .restore = w->restore,
                       .accept_rollback = w->accept_rollback};
    memset(&w->d, 0, sizeof w->d);
    int rc = store_open(&w->s, &o, &w->d);
    if (rc == 0) {
        w->t = turn_create();
        turn_begin(w->t, store_identify(w->s)->next_seq, w->at);
    }
    return rc;
}

void world_start(world *w) {
    keel_buf body = KEEL_BUF_INIT;
    if (world_open(w) != 0) {
        diag_print(stderr, &w->d);
        fail();
    }
    store_boot_body(w->s, &body);
    turn_add(w->t, RECORD_BOOT, 0, "", body.data, body.len);
    world_committed(w);
    keel_buf_free(&body);
}

void world_close(world *w) {
    store_close(w->s);
    turn_destroy(w->t);
    w->s = NULL;
    w->t = NULL;
}

void world_restart(world *w) {
    world_close(w);
    world_start(w);
}

void world_end(world *w) {
    world_rows(NULL, NULL);
    world_close(w);
    fsio_remove_tree(AT_FDCWD, w->dir, NULL);
}

int64_t world_add(world *w, record_kind kind, uint64_t run, const char *path, const char *body) {
    char *text = keel_strdup(body);
    for (char *p = text; (p = strchr(p, '\'')) != NULL;) {
        *p = '"';
    }
    keel_json_error e;
    if (keel_json_check(text, strlen(text), &e) < 0) {
        fail_msg("%s: %s at %zu", text, e.message, e.offset);
    }
    int64_t seq = turn_add(w->t, kind, run, path, text, strlen(text));
    free(text);
    return seq;
}

int world_commit(world *w) {
    int rc = store_commit(w->s, w->t, &w->d);
    w->at += 1000000;
    turn_begin(w->t, store_identify(w->s)->next_seq, w->at);
    return rc;
}

void world_committed(world *w) {
    if (world_commit(w) != 0) {
        diag_print(stderr, &w->d);
        fail();
    }
}

int64_t world_put(world *w, record_kind kind, uint64_t run, const char *path, const char *body) {
    int64_t seq = world_add(w, kind, run, path, body);
    world_committed(w);
    return seq;
}

static int add_row(void *ctx, int columns, const char *const *values, const char *const *names) {
    keel_buf *out = ctx;
    (void)names;
    if (out->len > 0) {
        keel_buf_putc(out, ';');
    }
    for (int i = 0; i < columns; i++) {
        keel_buf_printf(out, "%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "-");
    }
    return 0;
}

const char *world_rows(world *w, const char *sql) {
    static keel_buf text;
    if (w == NULL) {
        keel_buf_free(&text);
        return NULL;
    }
    keel_buf_clear(&text);
    keel_buf_puts(&text, "");
    if (reader_query(store_reader(w->s), sql, NULL, 0, add_row, &text, &w->d) != 0) {
        fail_msg("%s: %s", sql, w->d.what);
    }
    return text.data;
}

void world_edit(world *w, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", sql, error);
    }
    sqlite3_close(db);
}

void world_copy(const char *from, const char *to) {
    keel_buf bytes = KEEL_BUF_INIT;
    assert_int_equal(fsio_read(from, 1 << 26, &bytes, NULL), 0);
    assert_int_equal(fsio_write_atomic(to, bytes.data, bytes.len, 0600, NULL), 0);
    keel_buf_free(&bytes);
}
