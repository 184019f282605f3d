/* What a connector needs of the world: `needs`. */
#include <string.h>

#include "manifest_read.h"
#include "origin.h"

static const struct {
    const char *name;
    const char *schemes[7]; /* NULL at the end */
    const char *example;
} services[] = {
    {"file", {NULL}, "file:ro:{config.folder}"},
    {"http", {"http", "https", NULL}, "http:{config.base}"},
    {"stream", {"imap", "imaps", "smtp", "smtps", "tls", "tcp", NULL}, "stream:{config.imap}"},
};
#define SERVICES     (sizeof services / sizeof *services)
#define SERVICE_FILE 0

static bool known_scheme(size_t service, const char *scheme) {
    for (size_t i = 0; services[service].schemes[i]; i++) {
        if (strcmp(services[service].schemes[i], scheme) == 0) {
            return true;
        }
    }
    return false;
}

int manifest_need_origin(const manifest_need *need, const char *url, size_t len, origin *out,
                         diag *d) {
    origin found;
    size_t s = 0;
    int rc = origin_parse(&found, url, len, d);
    while (s + 1 < SERVICES && strcmp(services[s].name, need->service) != 0) {
        s++;
    }
    if (rc == 0 && !known_scheme(s, found.scheme)) {
        keel_buf all = KEEL_BUF_INIT;
        for (size_t i = 0; services[s].schemes[i]; i++) {
            keel_buf_printf(&all, "%s%s://", i ? ", " : "", services[s].schemes[i]);
        }
        rc = diag_set(d, DIAG_USAGE, "the service %s has no addresses of %s://", need->service,
                      found.scheme);
        diag_next(d, "Begin it with one of %s.", all.data);
        keel_buf_free(&all);
    }
    if (rc == 0 && memchr(found.path, '?', found.path_len)) {
        diag_set(d, DIAG_USAGE, "an address that a connector needs has no query (\"?\")");
        rc = diag_next(d, "End it with the path: all below it, with any query, is reached.");
    }
    if (rc == 0) {
        *out = found;
    }
    return rc;
}

/* "{config.NAME}" into need->config. */
static int read_config(manifest_reader *r, const yaml_node *n, const char *text, size_t service,
                       manifest_need *need) {
    size_t len = strcspn(text + 8, "{}");
    if (len == 0 || strcmp(text + 8 + len, "}") != 0) {
        yaml_fault(r->tree, n, r->d, "the %s is not of the form {config.NAME}",
                   service == SERVICE_FILE ? "folder" : "address");
        diag_next(r->d, "Write \"%s\".", services[service].example);
        return DIAG_USAGE;
    }
    char *config = manifest_alloc(r, len + 1);
    memcpy(config, text + 8, len);
    need->config = config;
    return 0;
}

static bool is_config(const char *text) {
    return strncmp(text, "{config.", 8) == 0;
}

/* "ro:{config.folder}", "rw:/some/folder" */
static int read_file(manifest_reader *r, const yaml_node *n, const char *text,
                     manifest_need *need) {
    bool rw = strncmp(text, "rw:", 3) == 0;
    if ((!rw && strncmp(text, "ro:", 3) != 0) || !text[3]) {
        return manifest_fault(r, n, "a file need says ro or rw, and a folder",
                              "Write \"file:ro:{config.folder}\".");
    }
    need->mode = rw ? "rw" : "ro";
    if (is_config(text + 3)) {
        return read_config(r, n, text + 3, SERVICE_FILE, need);
    }
    need->literal = text + 3;
    return 0;
}

/* "{config.base}", "https://api.example/v1", "*" */
static int read_address(manifest_reader *r, const yaml_node *n, const char *text, size_t service,
                        manifest_need *need) {
    if (is_config(text)) {
        return read_config(r, n, text, service, need);
    }
    if (strcmp(text, "*") == 0) {
        if (strcmp(need->service, "http") != 0) {
            return manifest_fault(r, n, "only http may need any address",
                                  "Name the address, or write \"stream:{config.NAME}\".");
        }
        need->any = true;
        return 0;
    }
    if (!*text) {
        yaml_fault(r->tree, n, r->d, "the service %s needs an address", need->service);
        diag_next(r->d, "Write \"%s\".", services[service].example);
        return DIAG_USAGE;
    }
    origin found;
    diag why = {0};
    int rc = manifest_need_origin(need, text, strlen(text), &found, &why);
    if (rc) {
        yaml_fault(r->tree, n, r->d, "%s", why.what);
        diag_next(r->d, "%s", why.next[0] ? why.next : "Write it in the usual way.");
        return rc;
    }
    need->literal = text;
    return 0;
}

static int no_service(manifest_reader *r, const yaml_node *n) {
    static const struct {
        const char *name;
        const char *says;
    } free_ones[] = {{"kv", "every connector has it"},
                     {"clock", "every connector has it"},
                     {"json", "every plugin has it"}};
    size_t len = strcspn(n->text, ":");
    for (size_t i = 0; i < sizeof free_ones / sizeof *free_ones; i++) {
        if (strlen(free_ones[i].name) == len && !strncmp(n->text, free_ones[i].name, len)) {
            yaml_fault(r->tree, n, r->d, "the service %s is not asked for: %s", free_ones[i].name,
                       free_ones[i].says);
            diag_next(r->d, "Remove it.");
            return DIAG_USAGE;
        }
    }
    yaml_fault(r->tree, n, r->d, "\"%.60s\" names no service", n->text);
    diag_next(r->d, "Write \"file:ro:{config.folder}\", \"http:{config.base}\" or "
                    "\"stream:{config.imap}\".");
    return DIAG_USAGE;
}

static int read_need(manifest_reader *r, const yaml_node *n, manifest_need *need) {
    const char *text;
    int rc = manifest_text(r, n, "needs", &text);
    if (rc) {
        return rc;
    }
    size_t len = strcspn(text, ":");
    for (size_t s = 0; s < SERVICES; s++) {
        if (strlen(services[s].name) == len && !strncmp(text, services[s].name, len)) {
            need->service = services[s].name;
            const char *rest = text + len + (text[len] == ':');
            return s == SERVICE_FILE ? read_file(r, n, rest, need)
                                     : read_address(r, n, rest, s, need);
        }
    }
    return no_service(r, n);
}

int manifest_needs(manifest_reader *r, const yaml_node *n) {
    int rc = manifest_list(r, n, "needs");
    if (rc == 0) {
        r->m->needs = manifest_alloc(r, n->count * sizeof *r->m->needs);
    }
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = read_need(r, n->items[i], &r->m->needs[i]);
        r->m->need_count += rc == 0;
    }
    return rc;
}
