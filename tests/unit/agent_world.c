#include "agent_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS   20000 /* longer than any machine needs */
#define MOMENT_MS 60

/* ---- the script ---- */

/* The next "--! " line behind *at: its word and the rest. */
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

static void add_given(agent_world *x, char *rest) {
    char *part[5], call[17];
    for (int i = 0; i < 5; i++) {
        part[i] = rest;
        if (i < 4) {
            rest += strcspn(rest, " ");
            *rest++ = '\0';
        }
    }
    const char *name = strcmp(part[2], "-") ? part[2] : "";
    world_call_digest(call, part[1], name, strcmp(part[3], "-") ? part[3] : "");
    x->given = keel_realloc(x->given, (x->given_count + 1) * sizeof *x->given);
    x->given[x->given_count++] =
        (world_record){keel_strdup(part[0]), keel_strdup(part[1]), keel_strdup(name),
                       keel_strdup(call), keel_strdup(part[4])};
}

static void configure(agent_world *x) {
    char word[32], rest[8192];
    for (const char *at = x->text; directive(&at, word, rest);) {
        if (!strcmp(word, "act")) {
            snprintf(x->act, sizeof x->act, "%.60s", rest);
        } else if (!strcmp(word, "acks")) {
            x->by_hand = true;
        } else if (!strcmp(word, "record")) {
            add_given(x, rest);
            x->once = true;
        } else if (!strcmp(word, "cancel") || !strcmp(word, "once")) {
            x->once = true;
        } else if (!strcmp(word, "start")) {
            assert_int_equal(sscanf(rest, "%4095s %4095[^\n]", x->input, x->previous), 2);
        }
    }
}

static void launch(agent_world *x) {
    char config[100];
    snprintf(config, sizeof config, "{\"act\":\"%s\"}", x->act);
    x->c = child_ready(
        &(child_spec){.plugin = "agent", .manifest = "\"kind\":\"agent\"", .config = config});
}

void agent_world_create(agent_world *x, const char *script) {
    char path[1024];
    size_t len;
    memset(x, 0, sizeof *x);
    x->script = script;
    strcpy(x->input, "null");
    strcpy(x->previous, "null");
    snprintf(x->act, sizeof x->act, "%s", script);
    snprintf(path, sizeof path, "%s/%s.txt", AGENT_TESTS, script);
    if (access(path, R_OK) != 0) {
        snprintf(path, sizeof path, "%s/%s.lua", LUA_TESTS, script);
    }
    x->text = access(path, R_OK) == 0 ? world_read(path, &len) : keel_strdup("");
    configure(x);
    launch(x);
}

static void free_record(world_record *r) {
    char *texts[] = {r->path, r->kind, r->name, r->call, r->outcome};
    for (size_t i = 0; i < 5; i++) {
        free(texts[i]);
    }
}

void agent_world_forget(agent_world *x) {
    world_destroy(&x->w);
    memset(&x->w, 0, sizeof x->w);
}

void agent_world_destroy(agent_world *x) {
    agent_world_forget(x);
    for (size_t i = 0; i < x->given_count; i++) {
        free_record(&x->given[i]);
    }
    free(x->given);
    free(x->text);
    keel_buf_free(&x->notes);
    child_end(x->c);
}

/* ---- frames ---- */

void agent_world_send(agent_world *x, uint16_t type, uint64_t run, uint64_t ref) {
    keel_buf none = KEEL_BUF_INIT;
    child_send_run(x->c, type, run, ref, &none);
}

void agent_world_start(agent_world *x, uint64_t run, const world_record *records, size_t count) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "{\"input\":%s,\"previous\":%s}", x->input, x->previous);
    child_send_run(x->c, X_START, run, count, &b);
    for (size_t i = 0; i < count; i++) {
        const world_record *r = &records[i];
        const char *const fields[] = {r->path, r->kind, r->name, r->call};
        keel_buf_clear(&b);
        for (size_t k = 0; k < 4; k++) {
            frame_put(&b, fields[k], strlen(fields[k]));
        }
        keel_buf_puts(&b, r->outcome);
        child_send_run(x->c, X_RECORD, run, 0, &b);
    }
    keel_buf_free(&b);
}

static void be_late(const agent_world *x) {
    if (x->late) {
        child_await_run(x->c, 0); /* a call that still waits is of a run that is entered */
    }
}

void agent_world_answer(agent_world *x, uint64_t run, const char *path, const char *outcome) {
    keel_buf b = KEEL_BUF_INIT;
    be_late(x);
    world_record_answer(&x->w, path, outcome);
    frame_put(&b, path, strlen(path));
    keel_buf_puts(&b, outcome);
    child_send_run(x->c, X_ANSWER, run, 0, &b);
    keel_buf_free(&b);
}

bool agent_world_take(agent_world *x, int timeout_ms) {
    frame f;
    int type = child_next_frame(x->c, timeout_ms, &f);
    if (type == 0) {
        fail_msg("%s: the executor ended (status 0x%x)", x->script, x->c->status);
    }
    if (type < 0) {
        return false;
    }
    if (type == X_NOTE) {
        keel_buf_append(&x->notes, f.body, f.len);
        return true;
    }
    world_take(&x->w, &f);
    if ((type == X_STEP || type == X_LOG) && !x->by_hand) {
        agent_world_send(x, X_ACK, f.run, x->w.sent);
    }
    return true;
}

void agent_world_expect(agent_world *x, const char *text) {
    while (x->w.line_read == x->w.line_count) {
        if (!agent_world_take(x, LONG_MS)) {
            fail_msg("%s:\n  wanted: %s\n  came:   nothing", x->script, text);
        }
    }
    const world_line *l = world_next(&x->w);
    if (strcmp(l->text, text) != 0) {
        fail_msg("%s:\n  wanted: %s\n  came:   %s", x->script, text, l->text);
    }
}

void agent_world_expect_nothing(agent_world *x) {
    while (agent_world_take(x, MOMENT_MS)) {
    }
    if (x->w.line_read < x->w.line_count) {
        fail_msg("%s: nothing was to come, and came: %s", x->script,
                 x->w.lines[x->w.line_read].text);
    }
}

/* ---- acts ---- */

static void act(agent_world *x, const char *word, const char *rest) {
    if (!strcmp(word, "out")) {
        agent_world_expect(x, rest);
    } else if (!strcmp(word, "nothing")) {
        agent_world_expect_nothing(x);
    } else if (!strcmp(word, "answer")) {
        char path[256];
        size_t len = strcspn(rest, " ");
        snprintf(path, sizeof path, "%.*s", (int)len, rest);
        agent_world_answer(x, WORLD_RUN, path, rest + len + 1);
    } else if (!strcmp(word, "ack")) {
        be_late(x);
        agent_world_send(x, X_ACK, WORLD_RUN, (uint64_t)atol(rest));
    } else if (!strcmp(word, "cancel")) {
        agent_world_send(x, X_CANCEL, WORLD_RUN, 0);
    }
}

static void check(const agent_world *x) {
    if (x->w.bad) {
        fail_msg("%s: %s", x->script, x->w.fault);
    }
    assert_int_equal(atomic_load(&x->c->page->run), 0);
}

void agent_world_play(agent_world *x) {
    char word[32], rest[8192];
    agent_world_start(x, WORLD_RUN, x->given, x->given_count);
    for (const char *at = x->text; directive(&at, word, rest);) {
        act(x, word, rest);
    }
    agent_world_expect_nothing(x);
    check(x);
}

static bool is_recorded(const agent_world *first, const char *path, size_t k) {
    for (size_t i = 0; i < k; i++) {
        if (!strcmp(first->w.records[i].path, path)) {
            return true;
        }
    }
    return false;
}

static const char *outcome_of(const agent_world *first, const char *path) {
    for (size_t i = 0; i < first->w.record_count; i++) {
        if (!strcmp(first->w.records[i].path, path)) {
            return first->w.records[i].outcome;
        }
    }
    return NULL;
}

void agent_world_replay(agent_world *x, const agent_world *first, size_t k) {
    agent_world_forget(x);
    x->by_hand = false;
    agent_world_start(x, WORLD_RUN, first->w.records, k);
    for (size_t i = 0; i < first->w.line_count; i++) {
        const world_line *l = &first->w.lines[i];
        if (*l->path && is_recorded(first, l->path, k)) {
            continue;
        }
        agent_world_expect(x, l->text);
        if (l->is_call) {
            agent_world_answer(x, WORLD_RUN, l->path, outcome_of(first, l->path));
        }
    }
    check(x);
}
