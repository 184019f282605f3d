/* Where a run that failed goes on from, as a table: what it recorded, and what a reopening then takes
 * out, keeps and asks again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store_world.h"
#include "turning.h"

#define DIGEST "'0000000000000000000000000000000000000000000000000000000000000000'"

/* One letter and a path stand for a record: "n1.2.1". */
static const struct {
    char letter;
    record_kind kind;
    const char *body;
} letters[] = {
    {'s', RECORD_STEP, "{'name':'s','result':1}"},
    {'w', RECORD_EFFECT_WAITING,
     "{'args':{},'call':'c','class':'once','decision':{},'digest':" DIGEST
     ",'reason':'budget','target':'a.b.write'}"},
    {'i', RECORD_EFFECT_INTENDED,
     "{'args':{},'attempt':1,'call':'c','class':'once','digest':" DIGEST
     ",'holds':[],'key':'k','target':'a.b.write'}"},
    {'d', RECORD_EFFECT_DONE,
     "{'attempt':1,'call':'c','result':1,'settled':[],'target':'a.b.write'}"},
    {'n', RECORD_EFFECT_NOT_DONE,
     "{'attempt':1,'call':'c','error':{'code':'unavailable'},'settled':[],'target':'a.b.write'}"},
    {'c', RECORD_EFFECT_NOT_DONE,
     "{'attempt':1,'by':'keel','call':'c','error':{'code':'cancelled'},'settled':[],"
     "'target':'a.b.write'}"},
    {'x', RECORD_EFFECT_DENIED,
     "{'args':{},'call':'c','class':'once','decision':{},'digest':" DIGEST
     ",'error':{'code':'denied'},'target':'a.b.write'}"},
    {'r', RECORD_WOKEN, "{'call':'c','event':1,'kind':'receive','outcome':{}}"},
    {'a', RECORD_WOKEN, "{'call':'c','how':'answered','kind':'ask','number':1,'outcome':{'ok':1}}"},
    {'t', RECORD_WOKEN, "{'call':'c','kind':'sleep','outcome':{}}"},
    {'o', RECORD_EFFECT_REOPENED, "{'number':1}"},
    {'e', RECORD_RUN_END, "{'error':{'code':'error','message':'m'},'state':'failed'}"},
};

/* Numbers are those of the records of the line; "[n" reopens the run from record n. */
static const struct {
    const char *name, *records, *cut;
} table[] = {
    {"the step that failed", "s1 i2 n2 s3 e", "from 2, asks 2"},
    {"nothing failed but the script", "s1 i2 d2 s3 e", "from 5"},
    {"of two in a row the last", "x1 x2 e", "from 2, asks 2"},
    {"what was done since stands", "i1 n1 i2 d2 e", "from 5"},
    {"what was received since stands", "x1 r2 e", "from 3"},
    {"a sleep since is slept again", "x1 t2 e", "from 1, asks 1"},
    {"a question since is asked again", "x1 a2 e", "from 1, asks 1"},
    {"side by side, and a person answered", "x1.1.1 a1.2.1 e", "from 1, keeps 2, asks 1.1.1"},
    {"what was done before", "i1 d1 i2 n2 e", "from 3, asks 2"},
    {"side by side, and the other was done later", "i1.1.1 i1.2.1 n1.1.1 d1.2.1 e",
     "from 3, keeps 4, asks 1.1.1"},
    {"side by side, both failed", "i1.1.1 i1.2.1 n1.1.1 n1.2.1 e", "from 1, asks 1.1.1 1.2.1"},
    {"what the other branch received is kept", "x1.1.1 r1.2.1 s1.2.2 e",
     "from 1, keeps 2 3, asks 1.1.1"},
    {"a step behind both is taken again", "x1.1.1 s1.2.1 s2 e", "from 1, keeps 2, asks 1.1.1"},
    {"an effect behind both stands", "x1.1.1 i2 d2 e", "from 4"},
    {"within a branch of a branch", "x3.1.2.2.1 s3.1.2.1.1 s3.1.3 s3.2.1 e",
     "from 1, keeps 2 4, asks 3.1.2.2.1"},
    {"dropped with the end", "w1.1.1 i1.2.1 n1.2.1 c1.1.1 e", "from 1, asks 1.2.1 1.1.1"},
    {"dropped, and nothing failed", "i1.1.1 d1.1.1 w1.2.1 c1.2.1 e", "from 3, asks 1.2.1"},
    {"done after the end", "i1 e d1", "from 2, keeps 3"},
    {"not done after the end", "i1 e n1", "from 1, asks 1"},
    {"still out", "i1.1.1 i1.2.1 n1.1.1 e", "from 1, asks 1.1.1"},
    {"out behind it", "x1 i2 e", "from 3"},
    {"once more", "i1 n1 e o1 [1 i1 n1 e", "from 6, asks 1"},
    {"once more, with what was kept", "x1.1.1 i1.2.1 d1.2.1 e o1.1.1 [1,3 x1.1.1 e",
     "from 7, asks 1.1.1"},
};

static int64_t first; /* seq of the first record of the line */

static void reopen_body(const char *word, char *out, size_t size) {
    long from = strtol(word + 1, NULL, 10);
    const char *keep = strchr(word, ',');
    long kept = keep ? strtol(keep + 1, NULL, 10) : 0;
    if (keep) {
        snprintf(out, size, "{'from':%lld,'keep':[%lld],'number':1}", (long long)(first + from - 1),
                 (long long)(first + kept - 1));
    } else {
        snprintf(out, size, "{'from':%lld,'number':1}", (long long)(first + from - 1));
    }
}

static void add(world *w, uint64_t id, const char *word) {
    char body[120];
    if (word[0] == '[') {
        reopen_body(word, body, sizeof body);
        world_add(w, RECORD_RUN_REOPENED, id, "", body);
        return;
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].letter == word[0]) {
            world_add(w, letters[i].kind, id, word + 1, letters[i].body);
            return;
        }
    }
    fail_msg("no record %s", word);
}

static void say(const turning *t, keel_buf *out) {
    const cut *c = turning_cut(t);
    keel_buf_printf(out, "from %lld", (long long)(c->from - first + 1));
    for (size_t i = 0; i < c->keep_count; i++) {
        keel_buf_printf(out, "%s %lld", i ? "" : ", keeps", (long long)(c->keep[i] - first + 1));
    }
    for (size_t i = 0; i < t->step_count; i++) {
        keel_buf_printf(out, "%s %s", i ? "" : ", asks", t->steps[i].path);
    }
}

static void runs_go_on_from_what_failed(void **state) {
    (void)state;
    world w;
    world_make(&w);
    world_start(&w);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char words[160], *rest = words, *word;
        uint64_t id = i + 1;
        turning t;
        keel_buf said = KEEL_BUF_INIT;
        first = world_put(&w, RECORD_RUN_BEGIN, id, "", world_begin_body) + 1;
        snprintf(words, sizeof words, "%s", table[i].records);
        while ((word = strsep(&rest, " ")) != NULL) {
            add(&w, id, word);
        }
        world_committed(&w);
        assert_int_equal(turning_find(&t, store_reader(w.s), id, &w.d), 0);
        say(&t, &said);
        if (strcmp(said.data, table[i].cut) != 0) {
            fail_msg("%s: %s", table[i].name, said.data);
        }
        turning_finish(&t);
        keel_buf_free(&said);
    }
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_go_on_from_what_failed)};
    digest_init();
    return cmocka_run_group_tests_name("turning", tests, NULL, NULL);
}
