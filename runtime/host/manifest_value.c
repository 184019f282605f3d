/* Values of a manifest: what their readers share. */
#include <ctype.h>
#include <string.h>

#include "manifest_read.h"

void *manifest_alloc(manifest_reader *r, size_t size) {
    manifest_memory *mem = r->memory;
    if (mem->count == mem->cap) {
        mem->cap = mem->cap ? mem->cap * 2 : 16;
        mem->blocks = keel_realloc(mem->blocks, mem->cap * sizeof *mem->blocks);
    }
    void *p = keel_alloc(size);
    memset(p, 0, size);
    mem->blocks[mem->count++] = p;
    return p;
}

int manifest_fault(manifest_reader *r, const yaml_node *n, const char *what, const char *next) {
    yaml_fault(r->tree, n, r->d, "%s", what);
    diag_next(r->d, "%s", next);
    return DIAG_USAGE;
}

int manifest_map(manifest_reader *r, const yaml_node *n, const char *what) {
    if (n->kind == YAML_MAP) {
        return 0;
    }
    yaml_fault(r->tree, n, r->d, "%s wants a map", what);
    diag_next(r->d, "Write `key: value` lines below it, or { key: value }.");
    return DIAG_USAGE;
}

int manifest_list(manifest_reader *r, const yaml_node *n, const char *what) {
    if (n->kind == YAML_LIST) {
        return 0;
    }
    yaml_fault(r->tree, n, r->d, "%s wants a list", what);
    diag_next(r->d, "Write [one, two], or lines that begin with a dash.");
    return DIAG_USAGE;
}

int manifest_text(manifest_reader *r, const yaml_node *n, const char *what, const char **out) {
    if (n->kind != YAML_SCALAR || n->len == 0) {
        yaml_fault(r->tree, n, r->d, "%s wants a text", what);
        diag_next(r->d, "Write it on the same line.");
        return DIAG_USAGE;
    }
    *out = n->text;
    return 0;
}

static bool is_word(const char *s) {
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return n > 0 && n < 64 && s[n] == 0 && islower((unsigned char)s[0]);
}

int manifest_word(manifest_reader *r, const yaml_node *n, const char *what, const char **out) {
    const char *text;
    int rc = manifest_text(r, n, what, &text);
    if (rc == 0 && !is_word(text)) {
        yaml_fault(r->tree, n, r->d, "%s cannot be \"%.60s\"", what, text);
        diag_next(r->d, "Use lower-case letters, digits, - and _; begin with a letter.");
        return DIAG_USAGE;
    }
    if (rc == 0) {
        *out = text;
    }
    return rc;
}

int manifest_file_name(manifest_reader *r, const yaml_node *n, const char *what, const char **out) {
    const char *text;
    int rc = manifest_text(r, n, what, &text);
    if (rc == 0 && (text[0] == '.' || strchr(text, '/') || n->len > 100)) {
        yaml_fault(r->tree, n, r->d,
                   "%s wants the name of a file beside the manifest, not \"%.60s\"", what, text);
        diag_next(r->d, "Give the name alone, without a folder.");
        return DIAG_USAGE;
    }
    if (rc == 0) {
        *out = text;
    }
    return rc;
}

int manifest_choice(manifest_reader *r, const yaml_node *n, const char *what, const char *first,
                    const char *second, bool *out) {
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    if (strcmp(text, first) != 0 && strcmp(text, second) != 0) {
        yaml_fault(r->tree, n, r->d, "%s is either %s or %s", what, first, second);
        diag_next(r->d, "Without the line it is %s.", first);
        return DIAG_USAGE;
    }
    *out = strcmp(text, second) == 0;
    return 0;
}
