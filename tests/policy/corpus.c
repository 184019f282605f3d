/* corpus FOLDER: what the compiler says of each policy in FOLDER/good and FOLDER/bad, as TAP. A bad one
 * begins with what must be said, and where:
 *
 *   # expect: LINE:COLUMN a part of the message
 *
 * tests/policy/schema.mjs asks the JSON Schema about the same files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsio.h"
#include "policy.h"

static int tests;

static void result(bool good, const char *kind, const char *name, const diag *d) {
    printf("%s %d - %s: %.*s\n", good ? "ok" : "not ok", ++tests, kind,
           (int)(strlen(name) - strlen(".yaml")), name);
    if (!good) {
        printf("# %s:%d:%d: %s\n# %s\n", d->file, d->line, d->column, d->what, d->next);
    }
}

static void count(void *ctx, const diag *d) {
    (void)d;
    ++*(int *)ctx;
}

/* The compiler's own answer, and that of `keel policy check`, which reads on. */
static int compile(const char *name, const keel_buf *text, diag *d, diag *first, int *faults) {
    policy_source source = {name, text->data, text->len};
    policy_listener to = {count, NULL, faults};
    policy *one = NULL;
    policy *other = NULL;
    int rc = policy_compile(&one, &source, 1, NULL, NULL, NULL, d);
    int same = policy_check(&other, &source, 1, NULL, &to, first);
    policy_destroy(one);
    policy_destroy(other);
    return rc == same ? rc : DIAG_FAILED;
}

static void good(const char *name, const keel_buf *text) {
    diag d = {0}, first = {0};
    int faults = 0;
    int rc = compile(name, text, &d, &first, &faults);
    result(rc == 0 && faults == 0, "good", name, &d);
}

static bool expected(const keel_buf *text, const diag *d) {
    int line = 0, column = 0, at = 0;
    if (sscanf(text->data, "# expect: %d:%d %n", &line, &column, &at) != 2 || !at) {
        return false;
    }
    char says[256];
    snprintf(says, sizeof says, "%.*s", (int)strcspn(text->data + at, "\r\n"), text->data + at);
    return says[0] && d->line == line && d->column == column && strstr(d->what, says) && d->next[0];
}

static void bad(const char *name, const keel_buf *text) {
    diag d = {0}, first = {0};
    int faults = 0;
    int rc = compile(name, text, &d, &first, &faults);
    bool same = first.line == d.line && first.column == d.column && !strcmp(first.what, d.what);
    result(rc == DIAG_USAGE && faults > 0 && same && expected(text, &d), "bad", name, &d);
}

static int is_policy(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

static int each(const char *folder, const char *kind,
                void (*judge)(const char *name, const keel_buf *text)) {
    char path[1024];
    struct dirent **list = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, kind);
    int n = scandir(path, &list, is_policy, alphasort);
    for (int i = 0; i < n; i++) {
        keel_buf text = KEEL_BUF_INIT;
        diag d = {0};
        keel_buf_puts(&text, "");
        snprintf(path, sizeof path, "%s/%s/%s", folder, kind, list[i]->d_name);
        if (fsio_read(path, 1 << 20, &text, &d)) {
            result(false, kind, list[i]->d_name, &d);
        } else {
            judge(list[i]->d_name, &text);
        }
        keel_buf_free(&text);
        free(list[i]);
    }
    free(list);
    return n;
}

/* Too long to be files. */
static void large(void) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, "# expect: 0:0 the limit is 262144\nversion: 1\n");
    while (text.len < 262145) {
        keel_buf_puts(&text, "# and so on\n");
    }
    bad("more_than_256_KiB.yaml", &text);
    keel_buf_clear(&text);
    keel_buf_puts(&text, "# expect: 3:40000 more than 20000 values\nversion: 1\nlists: { a: [");
    for (int i = 0; i < 20000; i++) {
        keel_buf_puts(&text, "1,");
    }
    keel_buf_puts(&text, "] }\n");
    bad("more_than_20000_values.yaml", &text);
    keel_buf_free(&text);
}

int main(int argc, char **argv) {
    if (argc != 2 || digest_init()) {
        fprintf(stderr, "usage: corpus FOLDER\n");
        return 2;
    }
    int files = each(argv[1], "good", good) + each(argv[1], "bad", bad);
    large();
    result(files >= 200, "all", "two hundred files or more.yaml", &(diag){0});
    printf("1..%d\n", tests);
    return 0;
}
