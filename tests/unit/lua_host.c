/* The Lua host against scripts that say what must happen. Each tests/unit/lua/NAME.lua holds lines
 *
 *   --! kind connector          --! memory BYTES       --! with FILE   (from lua/with)
 *   --! config JSON             --! acks by hand       --! once        (not replayed)
 *   --! refused TEXT            the load is refused so
 *   --! record PATH KIND NAME ARGS OUTCOME             (NAME, ARGS "-": none)
 *   --! start INPUT PREVIOUS    starts the run; null null when it is left out
 *   --! answer PATH OUTCOME     --! ack COUNT          --! cancel      --! verb REF JSON
 *   --! out TEXT                the next frame, as lua_world.c writes it
 *   --! nothing                 no frame waits
 *   --! lost PATH               a call that a replay may leave out: its task had been dropped
 *
 * Then each prefix of what a kernel would have recorded is replayed: the rest of the frames must
 * come out as they did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "lua_world.h"

typedef struct script {
    char *name; /* "step.lua" */
    char *text;
    size_t len;
} script;

typedef struct session {
    const script *s;
    world w;
    world_record *given; /* record lines */
    size_t given_count;
    char input[4096];
    char previous[4096];
    bool loaded, started;
} session;

/* The next "--! " line behind *at: its word and the rest, which stays valid until the next call. */
static bool directive(const char **at, char word[32], char rest[8192]) {
    const char *p = strstr(*at, "--! ");
    if (!p) {
        return false;
    }
    p += 4;
    size_t line = strcspn(p, "\n"), n = strcspn(p, " \n");
    snprintf(word, 32, "%.*s", (int)n, p);
    snprintf(rest, 8192, "%.*s", n < line ? (int)(line - n - 1) : 0, p + n + 1);
    *at = p + line;
    return true;
}

static void add_with(session *x, const char *name) {
    char path[1024];
    size_t len;
    snprintf(path, sizeof path, "%s/with/%s", LUA_TESTS, name);
    char *text = world_read(path, &len);
    world_add_file(&x->w, name, text, len);
    free(text);
}

static void add_given(session *x, char *rest) {
    char *part[5];
    for (int i = 0; i < 5; i++) {
        part[i] = rest;
        rest += i < 4 ? strcspn(rest, " ") : 0;
        if (i < 4) {
            assert_int_equal(*rest, ' ');
            *rest++ = 0;
        }
    }
    const char *name = strcmp(part[2], "-") ? part[2] : "";
    const char *args = strcmp(part[3], "-") ? part[3] : "";
    char call[17];
    world_call_digest(call, part[1], name, args);
    x->given = keel_realloc(x->given, (x->given_count + 1) * sizeof *x->given);
    x->given[x->given_count++] =
        (world_record){keel_strdup(part[0]), keel_strdup(part[1]), keel_strdup(name),
                       keel_strdup(call), keel_strdup(part[4])};
}

/* Lines that must be known before the load. */
static void configure(session *x) {
    char word[32], rest[8192];
    for (const char *at = x->s->text; directive(&at, word, rest);) {
        if (!strcmp(word, "kind")) {
            x->w.config.connector = true;
        } else if (!strcmp(word, "memory")) {
            x->w.config.memory_bytes = atol(rest);
        } else if (!strcmp(word, "with")) {
            add_with(x, rest);
        } else if (!strcmp(word, "config")) {
            x->w.config.config = (keel_json){keel_strdup(rest), strlen(rest)};
        } else if (!strcmp(word, "acks")) {
            x->w.by_hand = true;
        } else if (!strcmp(word, "record")) {
            add_given(x, rest);
        } else if (!strcmp(word, "start")) {
            assert_int_equal(sscanf(rest, "%4095s %4095[^\n]", x->input, x->previous), 2);
        }
    }
}

/* Whether a script says what is no run, or not one that a kernel would have started afresh. */
static bool is_once(const script *s) {
    static const char *const words[] = {"once", "record", "cancel", "kind", "refused"};
    char word[32], rest[8192];
    for (const char *at = s->text; directive(&at, word, rest);) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (!strcmp(word, words[i])) {
                return true;
            }
        }
    }
    return false;
}

static void begin(session *x, const script *s) {
    memset(x, 0, sizeof *x);
    x->s = s;
    strcpy(x->input, "null");
    strcpy(x->previous, "null");
    world_create(&x->w, s->name, s->text, s->len);
    configure(x);
}

static void finish(session *x) {
    free((char *)(uintptr_t)x->w.config.config.data);
    world_destroy(&x->w);
    for (size_t i = 0; i < x->given_count; i++) {
        world_record *r = &x->given[i];
        free(r->path);
        free(r->kind);
        free(r->name);
        free(r->call);
        free(r->outcome);
    }
    free(x->given);
}

static void start(session *x) {
    if (!x->started && !x->w.config.connector) {
        x->started = true;
        world_start(&x->w, WORLD_RUN, x->input, x->previous, x->given, x->given_count);
        world_settle(&x->w);
    }
}

static void expect(session *x, const char *text) {
    const world_line *l = world_next(&x->w);
    if (!l || strcmp(l->text, text) != 0) {
        fail_msg("%s:\n  wanted: %s\n  came:   %s", x->s->name, text, l ? l->text : "nothing");
    }
}

static void load(session *x) {
    char why[1024] = "";
    x->loaded = true;
    if (world_load(&x->w, why)) {
        fail_msg("%s does not load: %s", x->s->name, why);
    }
}

static void expect_refused(session *x, const char *text) {
    char why[1024] = "";
    x->loaded = x->started = true;
    assert_int_not_equal(world_load(&x->w, why), 0);
    if (strcmp(why, text) != 0) {
        fail_msg("%s:\n  wanted: refused %s\n  came:   %s", x->s->name, text, why);
    }
}

static void act(session *x, const char *word, char *rest) {
    char *second = rest + strcspn(rest, " ");
    second += *second == ' ';
    if (!strcmp(word, "out")) {
        expect(x, rest);
    } else if (!strcmp(word, "nothing")) {
        if (x->w.line_read < x->w.line_count) {
            fail_msg("%s: nothing was to come, and came: %s", x->s->name,
                     x->w.lines[x->w.line_read].text);
        }
    } else if (!strcmp(word, "answer")) {
        char path[256];
        snprintf(path, sizeof path, "%.*s", (int)strcspn(rest, " "), rest);
        world_answer(&x->w, WORLD_RUN, path, second);
    } else if (!strcmp(word, "ack")) {
        world_ack(&x->w, WORLD_RUN, (uint64_t)atol(rest));
    } else if (!strcmp(word, "verb")) {
        world_verb(&x->w, (uint64_t)atol(rest), second);
    } else if (!strcmp(word, "cancel")) {
        world_cancel(&x->w, WORLD_RUN);
    }
    world_settle(&x->w);
}

/* Whether the word says what happens, not what the world is like. */
static bool is_act(const char *word) {
    static const char *const words[] = {"out", "nothing", "answer", "ack", "verb", "cancel"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcmp(word, words[i])) {
            return true;
        }
    }
    return false;
}

static void play(session *x) {
    char word[32], rest[8192];
    for (const char *at = x->s->text; directive(&at, word, rest);) {
        if (!strcmp(word, "refused")) {
            expect_refused(x, rest);
        } else if (is_act(word)) {
            if (!x->loaded) {
                load(x);
            }
            start(x);
            act(x, word, rest);
        }
    }
    assert_true(x->loaded);
    act(x, "nothing", rest + strlen(rest));
    if (x->w.bad) {
        fail_msg("%s: %s", x->s->name, x->w.fault);
    }
    assert_int_equal(x->w.running, 0);
}

static void as_written(void **state) {
    session x;
    begin(&x, *state);
    play(&x);
    finish(&x);
}

/* ---- replay ---- */

static bool may_be_lost(const script *s, const char *path) {
    char word[32], rest[8192];
    for (const char *at = s->text; directive(&at, word, rest);) {
        if (!strcmp(word, "lost") && !strcmp(rest, path)) {
            return true;
        }
    }
    return false;
}

/* Whether a frame of the first life is due again when the first k records are given. */
static bool is_due(const session *first, const world_line *l, size_t k) {
    for (size_t i = 0; i < k && *l->path; i++) {
        if (!strcmp(first->w.records[i].path, l->path)) {
            return false;
        }
    }
    return true;
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines that count, sorted: the order between tasks may differ, what they do may not. */
static size_t collect(const session *x, const session *first, size_t k, const char **out) {
    size_t n = 0;
    for (size_t i = 0; i < x->w.line_count; i++) {
        const world_line *l = &x->w.lines[i];
        if (is_due(first, l, k) && !may_be_lost(x->s, l->path)) {
            out[n++] = l->text;
        }
    }
    qsort(out, n, sizeof *out, compare_lines);
    return n;
}

static bool was_called(const world *w, const char *path) {
    for (size_t i = 0; i < w->line_count; i++) {
        if (w->lines[i].is_call && !strcmp(w->lines[i].path, path)) {
            return true;
        }
    }
    return false;
}

static void compare(const session *first, const session *again, size_t k) {
    const char **wanted = keel_alloc((first->w.line_count + 1) * sizeof *wanted);
    const char **came = keel_alloc((again->w.line_count + 1) * sizeof *came);
    size_t n = collect(first, first, k, wanted), m = collect(again, first, 0, came);
    for (size_t i = 0; i < n || i < m; i++) {
        if (i >= n || i >= m || strcmp(wanted[i], came[i]) != 0) {
            fail_msg("%s with %zu records:\n  wanted: %s\n  came:   %s", first->s->name, k,
                     i < n ? wanted[i] : "nothing", i < m ? came[i] : "nothing");
        }
    }
    free(wanted);
    free(came);
}

static void replay_from(session *first, size_t k) {
    session x;
    begin(&x, first->s);
    x.w.by_hand = false;
    load(&x);
    world_start(&x.w, WORLD_RUN, x.input, x.previous, first->w.records, k);
    world_settle(&x.w);
    for (size_t i = k; i < first->w.record_count; i++) {
        const world_record *r = &first->w.records[i];
        if (strcmp(r->kind, "step") != 0 && strcmp(r->kind, "log") != 0 &&
            was_called(&x.w, r->path)) {
            world_answer(&x.w, WORLD_RUN, r->path, r->outcome);
            world_settle(&x.w);
        }
    }
    if (x.w.bad) {
        fail_msg("%s: %s", x.s->name, x.w.fault);
    }
    compare(first, &x, k);
    finish(&x);
}

static void replayed(void **state) {
    session x;
    begin(&x, *state);
    play(&x);
    for (size_t k = 0; k <= x.w.record_count; k++) {
        replay_from(&x, k);
    }
    finish(&x);
}

/* ---- the table is the folder ---- */

static int is_script(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > 4 && !strcmp(e->d_name + n - 4, ".lua");
}

static char *title(const char *name, const char *what) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s, %s", name, what);
    return b.data;
}

int main(void) {
    struct dirent **entries;
    int n = scandir(LUA_TESTS, &entries, is_script, alphasort);
    if (n <= 0) {
        perror(LUA_TESTS);
        return 1;
    }
    script *scripts = keel_alloc((size_t)n * sizeof *scripts);
    struct CMUnitTest *tests = keel_alloc((size_t)n * 2 * sizeof *tests);
    size_t count = 0;
    for (int i = 0; i < n; i++) {
        char path[1024];
        script *s = &scripts[i];
        snprintf(path, sizeof path, "%s/%s", LUA_TESTS, entries[i]->d_name);
        s->name = keel_strdup(entries[i]->d_name);
        s->text = world_read(path, &s->len);
        tests[count++] =
            (struct CMUnitTest){title(s->name, "as written"), as_written, NULL, NULL, s};
        if (!is_once(s)) {
            tests[count++] =
                (struct CMUnitTest){title(s->name, "replayed"), replayed, NULL, NULL, s};
        }
        free(entries[i]);
    }
    free(entries);
    int failed = _cmocka_run_group_tests("lua_host", tests, count, NULL, NULL);
    for (int i = 0; i < n; i++) {
        free(scripts[i].name);
        free(scripts[i].text);
    }
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)tests[i].name);
    }
    free(scripts);
    free(tests);
    return failed;
}
