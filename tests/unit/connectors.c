/* The connectors that ship as scripts, and services that are declared in YAML alone: in a real
 * executor with a folder, against a simulator of egress, by the scenes of tests/connectors. The lines
 * of a scene:
 *
 *   connector NAME            what follows is about plugins/NAME
 *   manifest, service         the lines indented below it are this file of a service
 *   load CONFIG               starts it; the granted folder is called "data", and is kept
 *   refused PARTS             instead of load: the files above are refused with these words
 *   put PATH TEXT, rm PATH    what a person does in the folder
 *   holds PATH TEXT, gone PATH
 *   ask VERB RESOURCE JSON    what differs from `usual` below
 *   > LINE                    what must be asked of egress for it (script_sim.h), all of it
 *   < ANSWER                  what egress answers (script_sim.h)
 *   = PARTS                   what the verb gives: "ok RESULT" or "CODE: MESSAGE", parted by " | "
 *
 * {{TEXT}} in a line stands for the digest of TEXT. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "digest.h"
#include "executor_world.h"
#include "fsio.h"
#include "manifest.h"
#include "script_sim.h"
#include "service.h"

static const char usual[] = "{\"attempt\":1,\"body\":{},\"deadline_us\":0,\"flags\":[],"
                            "\"key\":\"k-1\",\"mode\":\"\",\"outcome\":null}";

typedef struct scene {
    const char *name;
    int line;
    char *folder;
    keel_buf files[2]; /* manifest.yaml, service.yaml */
    keel_buf *block;   /* where indented lines go, or NULL */
    char entry[80];    /* of a shipped one: its path */
    child *c;
    script_sim *sim;
    keel_buf asked; /* the lines with > */
    char *pending;  /* the ask whose answers are being gathered */
    int played;     /* asks and refusals */
} scene;

/* ---- a connector ---- */

static void send_file(child *c, const char *name, const char *data, size_t len) {
    keel_buf b = KEEL_BUF_INIT;
    frame_put(&b, name, strlen(name));
    keel_buf_append(&b, data, len);
    child_send_bytes(c, X_FILE, 0, b.data, b.len);
    keel_buf_free(&b);
}

static void send_file_of(child *c, const char *name, const char *path) {
    keel_buf b = KEEL_BUF_INIT;
    diag d = {0};
    if (fsio_read(path, 1 << 20, &b, &d) < 0) {
        fail_msg("%s", d.what);
    }
    send_file(c, name, b.data, b.len);
    keel_buf_free(&b);
}

static void stop(scene *s) {
    if (s->c) {
        child_end(s->c);
        script_sim_end(s->sim);
        s->c = NULL;
    }
}

static int parse(scene *s, keel_buf *json, diag *d) {
    manifest *m;
    int rc = manifest_parse(&m, "manifest.yaml", s->files[0].len ? s->files[0].data : "",
                            s->files[0].len, d);
    if (rc == 0) {
        rc = service_parse(json, m, "service.yaml", s->files[1].len ? s->files[1].data : "",
                           s->files[1].len, d);
        manifest_destroy(m);
    }
    return rc;
}

static void send_config(scene *s, const char *config) {
    keel_buf text = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json_error e;
    keel_buf_printf(
        &text,
        "{\"abi\":[0,0],\"config\":%s,\"entry\":\"%s\",\"grants\":[{\"fd\":%d,"
        "\"mode\":\"rw\",\"path\":\"data\"}],\"http\":true,\"id\":\"com.example.scene\","
        "\"kind\":\"connector\",\"libraries\":[],\"memory\":67108864,\"name\":\"scene\","
        "\"native\":false,\"stream\":false,\"version\":\"1.0.0\"}",
        config, *s->entry ? s->entry : MANIFEST_SERVICE_ENGINE, EXECUTOR_FD_GRANTS);
    if (keel_json_canonical(&out, text.data, text.len, &e) < 0) {
        fail_msg("%s:%d: %s", s->name, s->line, e.message);
    }
    keel_buf_putc(&out, 0);
    child_send(s->c, X_CONFIG, 0, out.data);
    keel_buf_free(&text);
    keel_buf_free(&out);
}

static void load(scene *s, const char *config) {
    child_spec spec = {.folder = s->folder};
    stop(s);
    s->sim = script_sim_start(&spec.egress);
    s->c = child_start_silent(&spec);
    send_config(s, config);
    send_file_of(s->c, "keel.lua", KEEL_LUA);
    if (*s->entry) {
        char path[600];
        snprintf(path, sizeof path, PLUGINS "/%.*s/%s", (int)strcspn(s->entry, "."), s->entry,
                 s->entry);
        send_file_of(s->c, s->entry, path);
    } else {
        keel_buf json = KEEL_BUF_INIT;
        diag d = {0};
        if (parse(s, &json, &d) < 0) {
            fail_msg("%s:%d: %s:%d:%d: %s", s->name, s->line, d.file, d.line, d.column, d.what);
        }
        send_file(s->c, MANIFEST_SERVICE_JSON, json.data, json.len);
        send_file_of(s->c, MANIFEST_SERVICE_ENGINE, PLUGINS "/rest/" MANIFEST_SERVICE_ENGINE);
        send_file_of(s->c, "rest_request.lua", PLUGINS "/rest/rest_request.lua");
        keel_buf_free(&json);
    }
    child_send(s->c, X_LOAD, 0, "");
    child_expect(s->c, X_READY);
}

/* ---- what is expected ---- */

static void expect_parts(const scene *s, const char *parts, const char *text) {
    while (*parts) {
        char part[1500];
        const char *bar = strstr(parts, " | ");
        size_t len = bar ? (size_t)(bar - parts) : strlen(parts);
        snprintf(part, sizeof part, "%.*s", (int)len, parts);
        if (!strstr(text, part)) {
            fail_msg("%s:%d: \"%s\" is not in: %.3000s", s->name, s->line, part, text);
        }
        parts += len + (bar ? 3 : 0);
    }
}

static void refused(scene *s, const char *parts) {
    keel_buf json = KEEL_BUF_INIT, said = KEEL_BUF_INIT;
    diag d = {0};
    if (parse(s, &json, &d) == 0) {
        fail_msg("%s:%d: it was taken", s->name, s->line);
    }
    keel_buf_printf(&said, "%s:%d:%d: %s / %s", d.file, d.line, d.column, d.what, d.next);
    expect_parts(s, parts, said.data);
    s->played++;
    keel_buf_free(&said);
    keel_buf_free(&json);
}

/* ---- asking ---- */

static void request_of(const scene *s, const char *verb, const char *resource, const char *own,
                       keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT, mine = KEEL_BUF_INIT;
    keel_json_error e;
    if (keel_json_canonical(&mine, own, strlen(own), &e) < 0) {
        fail_msg("%s:%d: %s", s->name, s->line, e.message);
    }
    for (keel_json_iter it = keel_json_each(keel_json_view(usual, sizeof usual - 1));
         keel_json_next(&it);) {
        char key[20];
        keel_json_copy(it.key, key, sizeof key);
        keel_json value = keel_json_get(keel_json_view(mine.data, mine.len), key);
        value = value.data ? value : it.value;
        if (strcmp(key, "mode") == 0 && strcmp(verb, "reconcile") == 0) {
            value = keel_json_view("\"effect\"", 8);
        }
        keel_buf_printf(&text, "%c\"%s\":%.*s", text.len ? ',' : '{', key, (int)value.len,
                        value.data);
    }
    keel_buf_free(&mine);
    keel_buf_printf(&text, ",\"resource\":\"%s\",\"verb\":\"%s\"}", resource, verb);
    assert_int_equal(keel_json_canonical(out, text.data, text.len, &e), 0);
    keel_buf_putc(out, 0);
    keel_buf_free(&text);
}

static void say(int type, keel_json answer, keel_buf *b) {
    if (type == X_REPLY) {
        keel_json result = keel_json_get(answer, "result");
        keel_buf_puts(b, "ok ");
        keel_buf_append(b, result.data, result.len);
    } else {
        keel_json_string(keel_json_get(answer, "code"), b);
        keel_buf_puts(b, ": ");
        keel_json_string(keel_json_get(answer, "message"), b);
    }
}

static void answered(scene *s, const char *parts) {
    char verb[20], resource[40];
    int at = 0;
    keel_json answer;
    keel_buf body = KEEL_BUF_INIT, said = KEEL_BUF_INIT;
    if (!s->pending || sscanf(s->pending, "%19s %39s %n", verb, resource, &at) != 2) {
        fail_msg("%s:%d: nothing was asked", s->name, s->line);
    }
    request_of(s, verb, resource, s->pending[at] ? s->pending + at : "{}", &body);
    s->c->inbox_first = 0; /* all was read: begin anew, so that many verbs fit */
    for (size_t i = 0; i < sizeof s->c->inbox / sizeof *s->c->inbox; i++) {
        keel_buf_clear(&s->c->inbox[i].body);
    }
    child_send(s->c, X_VERB, 1, body.data);
    int type;
    do {
        type = child_next(s->c, 20000, &answer);
    } while (type == X_NOTE);
    assert_true(type == X_REPLY || type == X_FAIL);
    say(type, answer, &said);
    expect_parts(s, parts, said.data);
    char *log = script_sim_log(s->sim);
    if (strcmp(log, s->asked.len ? s->asked.data : "") != 0) {
        fail_msg("%s:%d: wanted\n%s-- but asked was\n%s", s->name, s->line,
                 s->asked.len ? s->asked.data : "(nothing)\n", log);
    }
    free(log);
    keel_buf_free(&body);
    keel_buf_free(&said);
    keel_buf_clear(&s->asked);
    free(s->pending);
    s->pending = NULL;
    s->played++;
}

/* ---- lines ---- */

static void in_folder(const scene *s, const char *rest, char path[300], const char **text) {
    size_t len = strcspn(rest, " ");
    snprintf(path, 300, "%s/%.*s", s->folder, (int)len, rest);
    *text = rest + len + (rest[len] == ' ');
}

static void touch(const scene *s, const char *word, const char *rest) {
    char path[300];
    const char *text;
    keel_buf b = KEEL_BUF_INIT;
    in_folder(s, rest, path, &text);
    if (strcmp(word, "put") == 0) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
    } else if (strcmp(word, "rm") == 0) {
        assert_int_equal(unlink(path), 0);
    } else if (strcmp(word, "gone") == 0) {
        assert_int_not_equal(access(path, F_OK), 0);
    } else if (fsio_read(path, 1 << 20, &b, NULL) < 0 || b.len != strlen(text) ||
               memcmp(b.data, text, b.len) != 0) {
        fail_msg("%s:%d: %s holds \"%.*s\"", s->name, s->line, path, (int)b.len,
                 b.len ? b.data : "");
    }
    keel_buf_free(&b);
}

static void begin_block(scene *s, size_t which) {
    s->block = &s->files[which];
    keel_buf_clear(s->block);
    *s->entry = 0;
}

static void play(scene *s, const char *word, const char *rest) {
    if (strcmp(word, "connector") == 0) {
        snprintf(s->entry, sizeof s->entry, "%s.lua", rest);
    } else if (strcmp(word, "manifest") == 0 || strcmp(word, "service") == 0) {
        begin_block(s, strcmp(word, "service") == 0);
    } else if (strcmp(word, "load") == 0) {
        load(s, rest);
    } else if (strcmp(word, "refused") == 0) {
        refused(s, rest);
    } else if (strcmp(word, "ask") == 0) {
        assert_null(s->pending);
        s->pending = strdup(rest);
    } else if (strcmp(word, ">") == 0) {
        keel_buf_printf(&s->asked, "%s\n", rest);
    } else if (strcmp(word, "<") == 0) {
        script_sim_answer(s->sim, rest);
    } else if (strcmp(word, "=") == 0) {
        answered(s, rest);
    } else if (strstr("put rm holds gone", word)) {
        touch(s, word, rest);
    } else {
        fail_msg("%s:%d: there is no word %s", s->name, s->line, word);
    }
}

/* The line with digests in place. */
static char *digested(const char *line) {
    keel_buf b = KEEL_BUF_INIT;
    const char *from, *end;
    while ((from = strstr(line, "{{")) && (end = strstr(from, "}}"))) {
        char hex[DIGEST_HEX];
        digest d = digest_of(from + 2, (size_t)(end - from - 2));
        digest_hex(&d, hex);
        keel_buf_append(&b, line, (size_t)(from - line));
        keel_buf_puts(&b, hex);
        line = end + 2;
    }
    keel_buf_puts(&b, line);
    return b.data;
}

static void play_line(scene *s, const char *raw) {
    if (s->block && (strncmp(raw, "  ", 2) == 0 || !*raw)) {
        keel_buf_printf(s->block, "%s\n", *raw ? raw + 2 : "");
        return;
    }
    s->block = NULL;
    if (!*raw || *raw == '#') {
        return;
    }
    char *line = digested(raw);
    char *space = strchr(line, ' ');
    if (space) {
        *space = 0;
    }
    play(s, line, space ? space + 1 : "");
    free(line);
}

static void play_file(void **state) {
    const char *name = *state;
    char path[600], line[4096];
    scene s = {.name = name, .folder = world_folder()};
    snprintf(path, sizeof path, SCENES "/%s.scene", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        s.line++;
        line[strcspn(line, "\n")] = 0;
        play_line(&s, line);
    }
    fclose(f);
    assert_null(s.pending);
    assert_true(s.played > 0);
    stop(&s);
    world_remove(s.folder);
    keel_buf_free(&s.files[0]);
    keel_buf_free(&s.files[1]);
    keel_buf_free(&s.asked);
}

#define SCENE(name)                                                                                \
    { name, play_file, NULL, NULL, (void *)(name) }

int main(void) {
    static char files[] = "files", read[] = "rest_read", write[] = "rest_write";
    static char reconcile[] = "rest_reconcile", refusals[] = "rest_refused";
    const struct CMUnitTest tests[] = {SCENE(files), SCENE(read), SCENE(write), SCENE(reconcile),
                                       SCENE(refusals)};
    signal(SIGPIPE, SIG_IGN);
    if (digest_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
