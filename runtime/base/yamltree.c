#include "yamltree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "yamlint.h"

#define MAX_DEPTH 32
#define MAX_NODES 20000

/* All memory of a tree is in blocks that go at once. */
typedef struct block {
    struct block *next;
    size_t used, size;
    max_align_t bytes[];
} block;

struct yaml_tree {
    char *file;
    yaml_node *root;
    block *blocks;
};

/* A container that is being read. */
typedef struct level {
    yaml_node *node;
    yaml_node *key; /* of a map, waiting for its value */
    yaml_node **items, **keys;
    size_t cap;
} level;

typedef struct reader {
    yaml_tree *tree;
    yaml_parser_t parser;
    level levels[MAX_DEPTH];
    size_t depth;
    size_t nodes;
    int documents;
    diag *d;
} reader;

static void *tree_alloc(yaml_tree *t, size_t size) {
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!t->blocks || t->blocks->size - t->blocks->used < size) {
        size_t room = size > 4096 ? size : 4096;
        block *b = keel_alloc(sizeof *b + room);
        *b = (block){t->blocks, 0, room};
        t->blocks = b;
    }
    void *p = (char *)t->blocks->bytes + t->blocks->used;
    t->blocks->used += size;
    return p;
}

static void *tree_copy(yaml_tree *t, const void *data, size_t size) {
    void *p = tree_alloc(t, size);
    if (size) {
        memcpy(p, data, size);
    }
    return p;
}

static int refuse_at(reader *r, yaml_mark_t at, const char *what, const char *next) {
    diag_at(r->d, DIAG_USAGE, r->tree->file, (int)at.line + 1, (int)at.column + 1, "%s", what);
    diag_next(r->d, "%s", next);
    return DIAG_USAGE;
}

static int by_text(const void *a, const void *b) {
    const yaml_node *x = *(yaml_node *const *)a;
    const yaml_node *y = *(yaml_node *const *)b;
    int order = strcmp(x->text, y->text);
    if (order == 0) {
        order = x->line != y->line ? x->line - y->line : x->column - y->column;
    }
    return order;
}

static int check_duplicates(reader *r, const yaml_node *map) {
    if (map->count < 2) {
        return 0;
    }
    yaml_node **sorted = keel_alloc(map->count * sizeof *sorted);
    memcpy(sorted, map->keys, map->count * sizeof *sorted);
    qsort(sorted, map->count, sizeof *sorted, by_text);
    int rc = 0;
    for (size_t i = 1; i < map->count && rc == 0; i++) {
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0) {
            rc = yaml_fault(r->tree, sorted[i], r->d, "the key \"%.60s\" is already at line %d",
                            sorted[i]->text, sorted[i - 1]->line);
            diag_next(r->d, "Keep one of the two.");
        }
    }
    free(sorted);
    return rc;
}

static void grow(level *l) {
    if (l->node->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->items = keel_realloc(l->items, l->cap * sizeof *l->items);
        l->keys = keel_realloc(l->keys, l->cap * sizeof *l->keys);
    }
}

static int check_key(reader *r, const yaml_node *key) {
    const char *what = NULL;
    if (key->kind != YAML_SCALAR) {
        what = "a key must be a word, not a list or a map";
    } else if (key->len == 0) {
        what = "a key is empty";
    } else if (!key->quoted && strcmp(key->text, "<<") == 0) {
        what = "a merge key (<<) is not accepted here";
    }
    if (!what) {
        return 0;
    }
    yaml_fault(r->tree, key, r->d, "%s", what);
    diag_next(r->d, "Write `key: value` with a plain word as the key.");
    return DIAG_USAGE;
}

/* Puts a node where it belongs: the root, a list's item, a map's key or value. */
static int place(reader *r, yaml_node *n) {
    if (r->depth == 0) {
        r->tree->root = n;
        return 0;
    }
    level *l = &r->levels[r->depth - 1];
    if (l->node->kind == YAML_MAP && !l->key) {
        l->key = n;
        return check_key(r, n);
    }
    grow(l);
    l->items[l->node->count] = n;
    l->keys[l->node->count] = l->key;
    l->node->count++;
    l->key = NULL;
    return 0;
}

/* NULL, with the fault told, when there are too many. */
static yaml_node *new_node(reader *r, yaml_kind kind, yaml_mark_t at) {
    if (++r->nodes > MAX_NODES) {
        refuse_at(r, at, "the file has more than 20000 values", "Split it.");
        return NULL;
    }
    yaml_node *n = tree_alloc(r->tree, sizeof *n);
    *n = (yaml_node){.kind = kind, .line = (int)at.line + 1, .column = (int)at.column + 1};
    return n;
}

static int open_level(reader *r, yaml_kind kind, yaml_mark_t at) {
    if (r->depth == MAX_DEPTH) {
        return refuse_at(r, at, "nested more than 32 levels deep", "Flatten it.");
    }
    yaml_node *n = new_node(r, kind, at);
    int rc = n ? place(r, n) : DIAG_USAGE;
    if (rc == 0) {
        r->levels[r->depth++] = (level){.node = n};
    }
    return rc;
}

static int close_level(reader *r) {
    level *l = &r->levels[--r->depth];
    yaml_node *n = l->node;
    n->items = tree_copy(r->tree, l->items, n->count * sizeof *n->items);
    if (n->kind == YAML_MAP) {
        n->keys = tree_copy(r->tree, l->keys, n->count * sizeof *n->keys);
    }
    free(l->items);
    free(l->keys);
    return n->kind == YAML_MAP ? check_duplicates(r, n) : 0;
}

static int marks(reader *r, const yaml_event_t *e, const void *anchor, const void *tag) {
    if (anchor) {
        return refuse_at(r, e->start_mark, "an anchor (&) is not accepted here",
                         "Write the value out where it is needed; quote text that begins with &.");
    }
    if (tag) {
        return refuse_at(r, e->start_mark, "a tag (!) is not accepted here",
                         "Delete it; quote text that begins with an exclamation mark.");
    }
    return 0;
}

static int scalar(reader *r, const yaml_event_t *e) {
    int rc = marks(r, e, e->data.scalar.anchor, e->data.scalar.tag);
    size_t len = e->data.scalar.length;
    if (rc == 0 && memchr(e->data.scalar.value, 0, len)) {
        rc = refuse_at(r, e->start_mark, "the text holds a NUL", "Delete the escape \\0.");
    }
    if (rc) {
        return rc;
    }
    yaml_node *n = new_node(r, YAML_SCALAR, e->start_mark);
    if (!n) {
        return DIAG_USAGE;
    }
    n->text = tree_copy(r->tree, e->data.scalar.value, len + 1);
    n->len = len;
    n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return place(r, n);
}

static int document(reader *r, const yaml_event_t *e) {
    if (r->documents++) {
        return refuse_at(r, e->start_mark, "a second document begins here",
                         "Keep one document in a file, without lines such as `---` or `...`.");
    }
    if (e->data.document_start.version_directive ||
        e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end) {
        return refuse_at(r, e->start_mark, "a directive (%) is not accepted here", "Delete it.");
    }
    return 0;
}

static int event(reader *r, const yaml_event_t *e) {
    int rc;
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return document(r, e);
    case YAML_ALIAS_EVENT:
        return refuse_at(r, e->start_mark, "an alias (*) is not accepted here",
                         "Write the value out; quote text that begins with *.");
    case YAML_SCALAR_EVENT:
        return scalar(r, e);
    case YAML_SEQUENCE_START_EVENT:
        rc = marks(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        return rc ? rc : open_level(r, YAML_LIST, e->start_mark);
    case YAML_MAPPING_START_EVENT:
        rc = marks(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        return rc ? rc : open_level(r, YAML_MAP, e->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(r);
    default:
        return 0;
    }
}

static int read_events(reader *r) {
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r->parser, &e)) {
            return yaml_problem(&r->parser, r->tree->file, r->d);
        }
        int rc = event(r, &e);
        bool end = e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
        if (rc || end) {
            return rc;
        }
    }
}

static void drop_levels(reader *r) {
    while (r->depth) {
        r->depth--;
        free(r->levels[r->depth].items);
        free(r->levels[r->depth].keys);
    }
}

static void empty_is_map(yaml_tree *t) {
    yaml_node *n = t->root;
    if (n && (n->kind != YAML_SCALAR || n->len || n->quoted)) {
        return;
    }
    n = tree_alloc(t, sizeof *n);
    *n = (yaml_node){.kind = YAML_MAP, .line = 1, .column = 1};
    t->root = n;
}

int yaml_tree_parse(yaml_tree **out, const char *file, const char *text, size_t len, diag *d) {
    int rc = yaml_text_check(file, text, len, d);
    if (rc) {
        return rc;
    }
    yaml_tree *t = keel_alloc(sizeof *t);
    *t = (yaml_tree){.file = keel_strdup(file)};
    reader r = {.tree = t, .d = d};
    if (!yaml_parser_initialize(&r.parser)) {
        yaml_tree_destroy(t);
        diag_set(d, DIAG_FAILED, "%s cannot be read: the memory ran out", file);
        return diag_next(d, "Free some memory, and try again.");
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    size_t mark = yaml_text_mark(text, len); /* libyaml would count it as a column */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text ? text + mark : ""),
                                 len - mark);
    rc = read_events(&r);
    yaml_parser_delete(&r.parser);
    drop_levels(&r);
    if (rc) {
        yaml_tree_destroy(t);
        return rc;
    }
    empty_is_map(t);
    *out = t;
    return 0;
}

/* Reads a regular file of at most YAML_MAX_BYTES + 1 bytes. */
static int read_file(const char *path, keel_buf *out, diag *d) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno == ENOENT ? DIAG_NOT_FOUND : DIAG_FAILED;
        diag_at(d, code, path, 0, 0, "cannot be opened: %s", strerror(errno));
        diag_next(d, code == DIAG_NOT_FOUND ? "Check the name, or create the file."
                                            : "Check who may read it: ls -l.");
        return code;
    }
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        diag_at(d, DIAG_USAGE, path, 0, 0, "is not a regular file");
        diag_next(d, "Put a file of text there.");
        return DIAG_USAGE;
    }
    ssize_t n = 1;
    while (n > 0 && out->len <= YAML_MAX_BYTES) {
        keel_buf_reserve(out, 16384);
        n = read(fd, out->data + out->len, 16384);
        out->len += n > 0 ? (size_t)n : 0;
    }
    int rc = 0;
    if (n < 0) {
        rc = diag_at(d, DIAG_FAILED, path, 0, 0, "cannot be read: %s", strerror(errno));
        diag_next(d, "Check the disk: dmesg shows its errors.");
    }
    close(fd);
    return rc;
}

int yaml_tree_load(yaml_tree **out, const char *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    int rc = read_file(path, &text, d);
    if (rc == 0) {
        rc = yaml_tree_parse(out, path, text.data, text.len, d);
    }
    keel_buf_free(&text);
    return rc;
}

void yaml_tree_destroy(yaml_tree *t) {
    if (!t) {
        return;
    }
    while (t->blocks) {
        block *b = t->blocks;
        t->blocks = b->next;
        free(b);
    }
    free(t->file);
    free(t);
}

const yaml_node *yaml_tree_root(const yaml_tree *t) {
    return t->root;
}

const char *yaml_tree_file(const yaml_tree *t) {
    return t->file;
}
