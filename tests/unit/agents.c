/* The agents that ship with Keel, in the Lua host, against scenes of tests/agents. A scene's lines:
 *
 *   agent NAME                     the agent of plugins/NAME, or of tests/agents/NAME.lua
 *   start INPUT PREVIOUS           JSON without blanks outside of texts
 *   out TEXT                       the next frame contains TEXT (as lua_world.c writes it)
 *   answer PATH OUTCOME
 *   page PATH NEXT MORE            answers a read with the mails that follow, up to an empty line
 *   mail {...}                     one of them: what differs from `defaults` below
 *
 * Lines that begin with "#" and empty lines say nothing. At the end no frame may wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "keel/json.h"
#include "lua_world.h"

static const char defaults[] =
    "{\"answered\":false,\"attachments\":[],\"automatic\":\"\",\"bulk\":\"\",\"cc\":[],"
    "\"date_us\":1036400400000000,\"from\":\"ann@client.example\",\"from_name\":\"Ann Client\","
    "\"id\":\"\",\"in_reply_to\":\"\",\"list\":\"\",\"message_id\":\"\",\"own\":false,"
    "\"references\":[],\"reply_to\":\"\",\"seen\":false,\"size\":1000,\"subject\":\"A question\","
    "\"text\":\"Hello,\\n\\ncan you send me the quote by Friday?\\n\\nAnn\\n\","
    "\"to\":[\"me@studio.example\"],\"to_me\":\"to\",\"truncated\":false}";

/* The defaults with what the mail says instead; id gives message_id as well. */
static void put_mail(keel_buf *out, const char *text) {
    keel_buf own = KEEL_BUF_INIT;
    char keys[32][20]; /* the writer remembers them */
    size_t count = 0;
    keel_json_writer w;
    keel_json_error err;
    if (keel_json_canonical(&own, text, strlen(text), &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    keel_json mail = keel_json_view(own.data, own.len);
    keel_json_write(&w, out);
    keel_json_object(&w);
    for (keel_json_iter it = keel_json_each(keel_json_view(defaults, sizeof defaults - 1));
         keel_json_next(&it);) {
        assert_true(count < sizeof keys / sizeof *keys);
        char *key = keys[count++];
        keel_json_copy(it.key, key, sizeof *keys);
        keel_json mine = keel_json_get(mail, key);
        if (mine.data == NULL && strcmp(key, "message_id") == 0) {
            mine = keel_json_get(mail, "id");
        }
        if (keel_json_typeof(mine) != KEEL_JSON_NULL) {
            keel_json_set_raw(&w, key, mine.data != NULL ? mine : it.value);
        }
    }
    keel_json_object_end(&w);
    keel_buf_free(&own);
}

typedef struct scene {
    world w;
    bool loaded;
    keel_buf page; /* the answer being put together */
    size_t mails;
    char path[40];
    char tail[600];
} scene;

static void add_file(scene *s, const char *folder, const char *name) {
    char path[1024];
    size_t len;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = world_read(path, &len);
    world_add_file(&s->w, name, text, len);
    free(text);
}

static void load_agent(scene *s, const char *name) {
    char folder[600], entry[700], why[1024] = "";
    size_t len;
    bool shipped = strcmp(name, "judge_cases") != 0;
    snprintf(folder, sizeof folder, shipped ? "%s/%s" : "%s/../tests/agents", PLUGINS, name);
    snprintf(entry, sizeof entry, "%s/%s.lua", folder, name);
    char *text = world_read(entry, &len);
    world_create(&s->w, name, text, len);
    free(text);
    free(s->w.config.name);
    free(s->w.config.version);
    s->w.config.name = keel_strdup(name);
    s->w.config.version = keel_strdup("0.1.0");
    add_file(s, PLUGINS "/triage", "judge.lua");
    add_file(s, PLUGINS "/correspondent", "templates/reply.txt");
    if (world_load(&s->w, why) != 0) {
        fail_msg("%s: %s", name, why);
    }
    s->loaded = true;
}

static void end_page(scene *s) {
    if (*s->path == 0) {
        return;
    }
    keel_buf_printf(&s->page, "],%s", s->tail);
    world_answer(&s->w, WORLD_RUN, s->path, s->page.data);
    world_settle(&s->w);
    *s->path = 0;
}

static void begin_page(scene *s, const char *rest) {
    char next[300], more[10];
    assert_int_equal(sscanf(rest, "%39s %299s %9s", s->path, next, more), 3);
    snprintf(s->tail, sizeof s->tail, "\"more\":%s,\"next\":\"%s\"}}", more, next);
    keel_buf_clear(&s->page);
    keel_buf_puts(&s->page, "{\"ok\":{\"items\":[");
    s->mails = 0;
}

static void expect(scene *s, const char *text, int line) {
    const world_line *got = world_next(&s->w);
    if (got == NULL || strstr(got->text, text) == NULL) {
        fail_msg("line %d: wanted \"%s\", got \"%.1500s\"", line, text,
                 got != NULL ? got->text : "(nothing)");
    }
}

static void start(scene *s, const char *rest) {
    char input[4096], previous[4096];
    assert_int_equal(sscanf(rest, "%4095s %4095[^\n]", input, previous), 2);
    keel_buf canonical = KEEL_BUF_INIT;
    assert_int_equal(keel_json_canonical(&canonical, input, strlen(input), NULL), 0);
    world_start(&s->w, WORLD_RUN, canonical.data, previous, NULL, 0);
    keel_buf_free(&canonical);
    world_settle(&s->w);
}

static void play(scene *s, const char *word, const char *rest, int line) {
    if (strcmp(word, "mail") == 0) {
        keel_buf_puts(&s->page, s->mails++ > 0 ? "," : "");
        put_mail(&s->page, rest);
        return;
    }
    end_page(s);
    if (strcmp(word, "agent") == 0) {
        load_agent(s, rest);
    } else if (strcmp(word, "start") == 0) {
        start(s, rest);
    } else if (strcmp(word, "out") == 0) {
        expect(s, rest, line);
    } else if (strcmp(word, "page") == 0) {
        begin_page(s, rest);
    } else if (strcmp(word, "answer") == 0) {
        char path[40];
        assert_int_equal(sscanf(rest, "%39s", path), 1);
        world_answer(&s->w, WORLD_RUN, path, strchr(rest, ' ') + 1);
        world_settle(&s->w);
    } else if (*word != 0) {
        fail_msg("line %d: no such word: %s", line, word);
    }
}

static void scene_test(void **state) {
    char path[600];
    size_t len;
    scene s = {.loaded = false};
    snprintf(path, sizeof path, "%s/%s", SCENES, (const char *)*state);
    char *text = world_read(path, &len);
    int number = 0;
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = 0;
        }
        number++;
        if (*line == '#') {
            continue;
        }
        char *rest = line + strcspn(line, " ");
        rest += *rest != 0;
        if (rest > line) {
            rest[-1] = *rest != 0 ? 0 : rest[-1];
        }
        play(&s, line, rest, number);
    }
    const world_line *left = world_next(&s.w);
    assert_null(left);
    assert_int_equal(s.w.bad, 0);
    world_destroy(&s.w);
    keel_buf_free(&s.page);
    free(text);
}

int main(void) {
    struct CMUnitTest tests[64];
    size_t count = 0;
    struct dirent **found = NULL;
    int n = scandir(SCENES, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(found[i]->d_name);
        if (len > 6 && strcmp(found[i]->d_name + len - 6, ".scene") == 0 && count < 64) {
            char *name = keel_strdup(found[i]->d_name);
            tests[count++] = (struct CMUnitTest){name, scene_test, NULL, NULL, name};
        }
        free(found[i]);
    }
    free(found);
    int failed = _cmocka_run_group_tests("agents", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        free(tests[i].initial_state);
    }
    return failed;
}
