/* keel secret: values that connections log in with. They pass through here once, to be kept, and are
 * never shown. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "passphrase.h"
#include "secretlist.h"

#define SHORT      8    /* below it a person is warned */
#define UNSCRUBBED 6    /* below it answers are not searched for it */
#define LINE_ROOM  4096 /* what a terminal takes */

/* ---- set ---- */

static int no_argument(const char *name, diag *d) {
    diag_set(d, DIAG_USAGE,
             "A secret is not taken from the command line: the shell's history and "
             "the list of processes would show it.");
    return diag_next(d,
                     "Run `keel secret set %s` and type it when asked, or pipe it: `pass show x | "
                     "keel secret set %s`.",
                     name, name);
}

static int type_twice(const char *name, char *value, size_t *len, diag *d) {
    char prompt[128];
    char *again = sodium_malloc(LINE_ROOM);
    if (!again) {
        return diag_set(d, DIAG_FAILED, "No memory can be locked for a secret.");
    }
    snprintf(prompt, sizeof prompt, "Value of %s (not shown): ", name);
    int rc = hidden_read(prompt, "value", value, LINE_ROOM, d);
    rc = rc ? rc : hidden_read("The same value again: ", "value", again, LINE_ROOM, d);
    if (rc == 0 && strcmp(value, again) != 0) {
        diag_set(d, DIAG_AUTH, "The two values differ: nothing was set.");
        rc = diag_next(d, "Type or paste the same one twice.");
    }
    *len = rc ? 0 : strlen(value);
    sodium_free(again);
    return rc;
}

/* To the end of standard input; what is beyond `room` is not read: secret_write says that it is too
 * long. */
static int read_input(char *value, size_t room, size_t *len, diag *d) {
    while (*len < room) {
        ssize_t n = read(STDIN_FILENO, value + *len, room - *len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return diag_set(d, DIAG_FAILED, "Standard input cannot be read: %s", strerror(errno));
        }
        if (n == 0) {
            break;
        }
        *len += (size_t)n;
    }
    if (*len == 0) {
        diag_set(d, DIAG_USAGE, "Standard input gave nothing: nothing was set.");
        return diag_next(d, "See whether the command before the pipe has failed; or run this in a "
                            "terminal, and type the value.");
    }
    return 0;
}

static int obtain(cli *c, const char *name, char *value, size_t room, size_t *len, diag *d) {
    if (!isatty(STDIN_FILENO)) {
        return read_input(value, room, len, d);
    }
    if (c->no_input) {
        diag_set(d, DIAG_AUTH, "A value has to be typed, and --no-input forbids to ask for it.");
        return diag_next(d, "Pipe it into `keel secret set %s`.", name);
    }
    return type_twice(name, value, len, d);
}

static void tell_set(const cli *c, const char *name, size_t len) {
    keel_buf users = KEEL_BUF_INIT;
    cli_say(c, "The secret %s %s set: %zu bytes in .keel/secrets, for you alone.", name,
            c->dry_run ? "would be" : "is", len);
    if (len < SHORT) {
        cli_say(c, "It is short: it is easily guessed%s. Let the service make a longer one.",
                len < UNSCRUBBED ? ", and answers that quote it are not covered up" : "");
    }
    secret_users(c, name, &users);
    if (users.len) {
        cli_say(c, "Used by %s, from the next request on.", users.data);
    } else {
        cli_say(c,
                "No connection uses it yet: write `{ secret: %s }` under its `auth` in keel.yaml.",
                name);
    }
    keel_buf_free(&users);
}

static int set_run(cli *c, const options *o, diag *d) {
    const char *name = o->args[0];
    size_t room = SECRET_LIMIT + 2, len = 0;
    keel_buf folder = KEEL_BUF_INIT;
    if (o->arg_count > 1 || !secret_name_ok(name)) {
        bool value = o->arg_count > 1 || strchr(name, '=');
        return value ? no_argument(secret_name_ok(name) ? name : "NAME", d)
                     : secret_may_change(&(secret_places){.folder = ""}, name, d);
    }
    int rc = cli_workspace(c, d);
    rc = rc ? rc : workspace_prepare(c->ws, d);
    if (rc) {
        return rc;
    }
    secret_places places = secret_places_of(c, &folder);
    char *value = sodium_init() < 0 ? NULL : sodium_malloc(room);
    rc = secret_may_change(&places, name, d);
    if (rc == 0 && !value) {
        rc = diag_set(d, DIAG_FAILED, "No memory can be locked for a secret.");
    }
    rc = rc ? rc : obtain(c, name, value, room, &len, d);
    if (rc == 0) {
        rc = c->dry_run ? 0 : secret_write(&places, name, value, len, d);
    }
    if (rc == 0) {
        tell_set(c, name, len - (value[len - 1] == '\n')); /* which is not part of it */
    }
    sodium_free(value);
    keel_buf_free(&folder);
    return rc;
}

/* ---- test ---- */

/* One letter more or less is what people look for: what cannot be seen in a value. */
static size_t notes_on(const secret *s, const char *notes[6]) {
    size_t n = 0;
    unsigned char first = (unsigned char)s->data[0], last = (unsigned char)s->data[s->len - 1];
    if (last == '\r') {
        notes[n++] = "it ends with a carriage return: it was made on Windows";
    } else if (last <= ' ') {
        notes[n++] = "it ends with a blank or a line break";
    }
    if (first <= ' ') {
        notes[n++] = "it begins with a blank or a line break";
    }
    if (s->len > 2 && memchr(s->data + 1, '\n', s->len - 2)) {
        notes[n++] = "it has more than one line";
    }
    if (s->len > 1 && (first == '"' || first == '\'') && first == last) {
        notes[n++] = "it stands in quotation marks, which are part of it";
    }
    if (s->len < UNSCRUBBED) {
        notes[n++] = "it is so short that answers that quote it are not covered up";
    } else if (s->len < SHORT) {
        notes[n++] = "it is short, and easily guessed";
    }
    return n;
}

static const char *source_of(const secret_places *p, const char *name) {
    keel_json declared = keel_json_get(p->declared, name);
    if (keel_json_typeof(declared) == KEEL_JSON_NONE) {
        return "file";
    }
    return keel_json_typeof(keel_json_get(declared, "command")) == KEEL_JSON_NONE ? "credential"
                                                                                  : "command";
}

static void print_json(const secret *s, const char *name, const char *from) {
    const char *notes[6];
    size_t count = notes_on(s, notes);
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_int(&w, "bytes", (int64_t)s->len);
    keel_json_set_text(&w, "from", from);
    keel_json_set_text(&w, "name", name);
    keel_json_key(&w, "notes");
    keel_json_array(&w);
    for (size_t i = 0; i < count; i++) {
        keel_json_text(&w, notes[i]);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_text(const secret *s, const char *name, const char *from) {
    static const struct {
        const char *from, *text;
    } places[] = {{"file", "the file .keel/secrets/"},
                  {"command", "the command in keel.yaml for "},
                  {"credential", "the credential of the service for "}};
    const char *notes[6];
    size_t count = notes_on(s, notes);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(from, places[i].from) == 0) {
            cli_print("%s: %zu bytes, from %s%s\n", name, s->len, places[i].text, name);
        }
    }
    for (size_t i = 0; i < count; i++) {
        cli_print("  note: %s\n", notes[i]);
    }
}

static int test_run(cli *c, const options *o, diag *d) {
    secret s;
    keel_buf folder = KEEL_BUF_INIT;
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    secret_places places = secret_places_of(c, &folder);
    rc = secret_read(&s, &places, o->args[0], d);
    if (rc == 0) {
        const char *from = source_of(&places, o->args[0]);
        (c->json ? print_json : print_text)(&s, o->args[0], from);
        secret_free(&s);
    }
    keel_buf_free(&folder);
    return rc;
}

/* ---- remove ---- */

static int remove_run(cli *c, const options *o, diag *d) {
    keel_buf folder = KEEL_BUF_INIT, users = KEEL_BUF_INIT;
    int rc = cli_workspace(c, d);
    if (rc) {
        return rc;
    }
    secret_places places = secret_places_of(c, &folder);
    rc = c->dry_run ? secret_may_change(&places, o->args[0], d)
                    : secret_remove(&places, o->args[0], d);
    if (rc == 0 && c->dry_run) {
        cli_say(c, "The secret %s would be removed.", o->args[0]);
    } else if (rc == 0) {
        cli_say(c, "The secret %s is removed.", o->args[0]);
        secret_users(c, o->args[0], &users);
        if (users.len) {
            cli_say(c, "It is missing now for %s: the next request will say so.", users.data);
        }
    }
    keel_buf_free(&users);
    keel_buf_free(&folder);
    return rc;
}

/* ---- the commands ---- */

static const command list_verb = {
    .name = "list",
    .words = "",
    .summary = "names, where each comes from, and what uses it; never a value",
    .more = "\"missing\" is what keel.yaml refers to and nobody has set.",
    .examples = "keel secret list\nkeel secret list --json",
    .run = secret_list_run,
};
static const command set_verb = {
    .name = "set",
    .words = "NAME",
    .summary = "keep a value, typed without echo or piped in",
    .more =
        "It lies in .keel/secrets, in a file that only you can read, and only the process with "
        "the\n"
        "sockets reads it. One newline at its end is not part of it. It is never taken from an\n"
        "argument. Keel need not run; a running one uses the new value from the next request on.",
    .examples = "keel secret set mail-password\npass show mail | keel secret set mail-password",
    .least = 1,
    .most = -1, /* one; more of them are told why not */
    .run = set_run,
};
static const command test_verb = {
    .name = "test",
    .words = "NAME",
    .summary = "read it as a connection would, and say where it lies and how long it is",
    .more = "It is not shown, and no service is asked whether it is right.",
    .examples = "keel secret test mail-password",
    .least = 1,
    .most = 1,
    .run = test_run,
};
static const command remove_verb = {
    .name = "remove",
    .words = "NAME",
    .summary = "forget a value",
    .more = "What `secrets:` in keel.yaml names is removed there.",
    .examples = "keel secret remove mail-password",
    .least = 1,
    .most = 1,
    .run = remove_run,
};

static const command *const verbs[] = {&list_verb, &set_verb, &test_verb, &remove_verb, NULL};

const command secret_command = {
    .name = "secret",
    .words = "list | set | test | remove",
    .summary = "passwords and tokens that connections log in with",
    .verbs = verbs,
};
