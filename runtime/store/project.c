#include "project.h"

#include <stdlib.h>
#include <string.h>

enum { PARAMS = 24, KEYS = 16, NO_KEY = -1 };

typedef enum param_source { FROM_COLUMN, FROM_BODY, FROM_ELEMENT } param_source;

typedef struct param {
    param_source source;
    char type; /* of members: t i x j b; of columns: the first letter of the name */
    bool required;
    int key;          /* FROM_BODY: index into the plan's keys */
    char name[24];    /* the member, its first part */
    const char *rest; /* the part behind "__", or NULL; SQLite owns it */
} param;

typedef struct prepared {
    const project_rule *rule;
    sqlite3_stmt *st;
    bool again;
    int each; /* index into the plan's keys, or NO_KEY */
    int need;
    int count;
    param params[PARAMS];
} prepared;

/* What one kind does, and the members of the body that it looks at, in canonical order, so that one
 * pass over the body finds all. */
typedef struct plan {
    char keys[KEYS][24];
    size_t key_count;
    size_t count;
    prepared rules[];
} plan;

struct projector {
    sqlite3 *db;
    plan *plans[RECORD_KIND_MAX];
};

projector *projector_create(sqlite3 *db) {
    projector *p = keel_alloc(sizeof *p);
    memset(p, 0, sizeof *p);
    p->db = db;
    return p;
}

static void destroy_plan(plan *pl) {
    for (size_t i = 0; pl != NULL && i < pl->count; i++) {
        sqlite3_finalize(pl->rules[i].st);
    }
    free(pl);
}

void projector_destroy(projector *p) {
    for (size_t i = 0; p != NULL && i < RECORD_KIND_MAX; i++) {
        destroy_plan(p->plans[i]);
    }
    free(p);
}

/* ---- plans ---- */

static void add_key(plan *pl, const char *name) {
    size_t at = 0;
    while (at < pl->key_count && strcmp(pl->keys[at], name) < 0) {
        at++;
    }
    if (at < pl->key_count && strcmp(pl->keys[at], name) == 0) {
        return;
    }
    if (pl->key_count == KEYS || strlen(name) >= sizeof pl->keys[0]) {
        abort(); /* the table of rules outgrew its plan */
    }
    memmove(pl->keys[at + 1], pl->keys[at], (pl->key_count - at) * sizeof pl->keys[0]);
    strcpy(pl->keys[at], name);
    pl->key_count++;
}

static int find_key(const plan *pl, const char *name) {
    for (size_t i = 0; name != NULL && i < pl->key_count; i++) {
        if (strcmp(pl->keys[i], name) == 0) {
            return (int)i;
        }
    }
    return NO_KEY;
}

/* ":seq", "@t_name", "$T_name__part" */
static param parse_param(const char *text) {
    param p = {.source = FROM_COLUMN, .type = text[1], .required = text[0] != '$'};
    if (text[0] == ':') {
        return p;
    }
    const char *name = text + 3;
    p.source = text[1] >= 'a' ? FROM_BODY : FROM_ELEMENT;
    p.type = (char)(text[1] | 0x20);
    const char *split = strstr(name, "__");
    size_t len = split != NULL ? (size_t)(split - name) : strlen(name);
    if (len >= sizeof p.name) {
        abort();
    }
    memcpy(p.name, name, len);
    p.name[len] = 0;
    p.rest = split != NULL ? split + 2 : NULL;
    return p;
}

static int prepare_rule(projector *p, plan *pl, const project_rule *rule, diag *d) {
    prepared *r = &pl->rules[pl->count];
    r->rule = rule;
    if (db_prepare(p->db, &r->st, rule->sql, d) < 0) {
        return DIAG_STORAGE;
    }
    pl->count++;
    r->count = sqlite3_bind_parameter_count(r->st);
    if (r->count > PARAMS) {
        abort();
    }
    for (int i = 0; i < r->count; i++) {
        r->params[i] = parse_param(sqlite3_bind_parameter_name(r->st, i + 1));
        if (r->params[i].source == FROM_BODY) {
            add_key(pl, r->params[i].name);
        }
    }
    r->again = rule->each != NULL && strcmp(rule->each, AGAIN) == 0;
    if (rule->each != NULL && !r->again) {
        add_key(pl, rule->each);
    }
    if (rule->need != NULL) {
        add_key(pl, rule->need);
    }
    return 0;
}

static void resolve_keys(plan *pl) {
    for (size_t i = 0; i < pl->count; i++) {
        prepared *r = &pl->rules[i];
        r->each = find_key(pl, r->rule->each);
        r->need = find_key(pl, r->rule->need);
        for (int k = 0; k < r->count; k++) {
            r->params[k].key = find_key(pl, r->params[k].name);
        }
    }
}

static int make_plan(projector *p, record_kind kind, plan **out, diag *d) {
    size_t count = 0;
    for (size_t i = 0; i < project_rule_count; i++) {
        count += project_rules[i].kind == kind;
    }
    plan *pl = keel_alloc(sizeof *pl + count * sizeof pl->rules[0]);
    memset(pl, 0, sizeof *pl + count * sizeof pl->rules[0]);
    for (size_t i = 0; i < project_rule_count; i++) {
        if (project_rules[i].kind == kind && prepare_rule(p, pl, &project_rules[i], d) < 0) {
            destroy_plan(pl);
            return DIAG_STORAGE;
        }
    }
    resolve_keys(pl);
    *out = pl;
    return 0;
}

/* ---- applying ---- */

static void find_members(const plan *pl, keel_json body, keel_json values[KEYS]) {
    size_t next = 0;
    for (keel_json_iter it = keel_json_each(body); next < pl->key_count && keel_json_next(&it);) {
        for (size_t i = next; i < pl->key_count; i++) {
            if (keel_json_is(it.key, pl->keys[i])) {
                values[i] = it.value;
                next = i + 1;
                break;
            }
        }
    }
}

static int bind_column(sqlite3_stmt *st, int at, char column, const journal_row *row) {
    switch (column) {
    case 's':
        return sqlite3_bind_int64(st, at, row->seq);
    case 'a':
        return sqlite3_bind_int64(st, at, row->at);
    case 'b':
        return sqlite3_bind_int64(st, at, row->boot);
    case 'r':
        return sqlite3_bind_int64(st, at, (sqlite3_int64)row->run);
    default:
        return sqlite3_bind_text(st, at, row->path, -1, SQLITE_STATIC);
    }
}

static int bind_text(sqlite3_stmt *st, int at, keel_json v) {
    if (keel_json_typeof(v) != KEEL_JSON_STRING) {
        return SQLITE_MISMATCH;
    }
    if (memchr(v.data, '\\', v.len) == NULL) {
        return sqlite3_bind_text(st, at, v.data + 1, (int)v.len - 2, SQLITE_STATIC);
    }
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    int rc = sqlite3_bind_text(st, at, text.data, (int)text.len, SQLITE_TRANSIENT);
    keel_buf_free(&text);
    return rc;
}

static int bind_hex(sqlite3_stmt *st, int at, keel_json v) {
    char bytes[64];
    int len = keel_json_typeof(v) == KEEL_JSON_STRING
                  ? hex_decode(bytes, sizeof bytes, v.data + 1, v.len - 2)
                  : -1;
    return len < 0 ? SQLITE_MISMATCH : sqlite3_bind_blob(st, at, bytes, len, SQLITE_TRANSIENT);
}

static int bind_integer(sqlite3_stmt *st, int at, keel_json v) {
    int64_t n;
    return keel_json_int(v, &n) ? sqlite3_bind_int64(st, at, n) : SQLITE_MISMATCH;
}

/* 0, SQLITE_MISMATCH, or another code of SQLite. */
static int bind_member(sqlite3_stmt *st, int at, const param *p, keel_json v) {
    if (p->rest != NULL && v.data != NULL) {
        v = keel_json_get(v, p->rest);
    }
    if (p->type == 'b' && (v.data != NULL || !p->required)) {
        return sqlite3_bind_int(st, at, keel_json_true(v));
    }
    if (v.data == NULL || keel_json_typeof(v) == KEEL_JSON_NULL) {
        return p->required ? SQLITE_MISMATCH : sqlite3_bind_null(st, at);
    }
    switch (p->type) {
    case 't':
        return bind_text(st, at, v);
    case 'i':
        return bind_integer(st, at, v);
    case 'x':
        return bind_hex(st, at, v);
    default:
        return sqlite3_bind_text(st, at, v.data, (int)v.len, SQLITE_STATIC);
    }
}

static int bad_member(const journal_row *row, const param *p, diag *d) {
    diag_set(d, DIAG_STORAGE, "record %lld (%s) has no usable member \"%s%s%s\"",
             (long long)row->seq, record_kind_name(row->kind), p->name, p->rest != NULL ? "." : "",
             p->rest != NULL ? p->rest : "");
    diag_next(d, "this is a fault of Keel, or the file was changed: `keel audit verify`");
    return DIAG_STORAGE;
}

static int step(projector *p, prepared *r, const journal_row *row, diag *d) {
    int rc = sqlite3_step(r->st);
    sqlite3_reset(r->st);
    if (rc == SQLITE_DONE) {
        return 0;
    }
    if ((rc & 0xff) == SQLITE_CONSTRAINT) {
        diag_set(d, DIAG_STORAGE, "record %lld (%s) does not fit the tables: %s",
                 (long long)row->seq, record_kind_name(row->kind), sqlite3_errmsg(p->db));
        diag_next(d, "this is a fault of Keel; `keel audit rebuild --check` may tell more");
        return DIAG_STORAGE;
    }
    return db_fault(p->db, d);
}

static int run_rule(projector *p, prepared *r, const journal_row *row, const keel_json *values,
                    keel_json element, diag *d) {
    for (int i = 0; i < r->count; i++) {
        const param *pa = &r->params[i];
        int rc = pa->source == FROM_COLUMN ? bind_column(r->st, i + 1, pa->type, row)
                 : pa->source == FROM_BODY
                     ? bind_member(r->st, i + 1, pa, values[pa->key])
                     : bind_member(r->st, i + 1, pa, keel_json_get(element, pa->name));
        if (rc == SQLITE_MISMATCH) {
            return bad_member(row, pa, d);
        }
        if (rc != SQLITE_OK) {
            return db_fault(p->db, d);
        }
    }
    int rc;
    do {
        rc = step(p, r, row, d);
    } while (rc == 0 && r->again && sqlite3_changes(p->db) > 0);
    return rc;
}

static int run_each(projector *p, prepared *r, const journal_row *row, const keel_json *values,
                    diag *d) {
    for (keel_json_iter it = keel_json_each(values[r->each]); keel_json_next(&it);) {
        if (run_rule(p, r, row, values, it.value, d) < 0) {
            return DIAG_STORAGE;
        }
    }
    return 0;
}

int projector_apply(projector *p, const journal_row *row, diag *d) {
    plan *pl = p->plans[row->kind];
    if (pl == NULL) {
        if (make_plan(p, row->kind, &pl, d) < 0) {
            return DIAG_STORAGE;
        }
        p->plans[row->kind] = pl;
    }
    keel_json values[KEYS] = {{NULL, 0}};
    if (pl->key_count > 0) {
        find_members(pl, row->body, values);
    }
    for (size_t i = 0; i < pl->count; i++) {
        prepared *r = &pl->rules[i];
        if (r->need != NO_KEY && values[r->need].data == NULL) {
            continue;
        }
        int rc = r->each != NO_KEY ? run_each(p, r, row, values, d)
                                   : run_rule(p, r, row, values, (keel_json){NULL, 0}, d);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}
