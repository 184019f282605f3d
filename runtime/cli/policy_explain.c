/* keel policy explain: what a field of a policy means, from the schema that editors read. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fsio.h"
#include "paths.h"
#include "schema_field.h"
#include "text.h"
#include "yamltree.h"

#define SCHEMA_MAX (1u << 20)

static int read_schema(keel_buf *out, diag *d) {
    char *path = path_share("schema/policy.schema.json");
    keel_buf text = KEEL_BUF_INIT;
    keel_json_error e;
    int rc = fsio_read(path, SCHEMA_MAX, &text, d);
    if (rc == 0 && keel_json_canonical(out, text.data, text.len, &e)) {
        rc = diag_at(d, DIAG_USAGE, path, e.line, e.column, "%s", e.message);
    }
    if (rc) {
        diag_set(d, rc, "The schema that ships with Keel cannot be read at %s.", path);
        diag_next(d, "Install Keel again, or set KEEL_SHARE to the folder that holds schema/.");
    }
    keel_buf_free(&text);
    free(path);
    return rc;
}

static const char *last_of(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The nearest whole path, else the nearest field by its own name. */
static int no_field(const schema_fields *f, const char *name, diag *d) {
    const char **words = keel_alloc((2 * f->count + 1) * sizeof *words);
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        words[count++] = f->list[i].path;
        words[count++] = last_of(f->list[i].path);
    }
    words[count] = NULL;
    const char *near = did_you_mean(name, words);
    if (!near && strchr(name, '.')) {
        near = did_you_mean(last_of(name), words);
    }
    diag_set(d, DIAG_NOT_FOUND, "A policy has no field %.100s.", name);
    int rc = near ? diag_next(d, "Did you mean %s?", near)
                  : diag_next(d, "`keel policy explain rules` begins at the rules; others are "
                                 "lists, budgets, egress, retries, breakers.");
    free(words);
    return rc;
}

static void text_of(keel_json v, keel_buf *out) {
    keel_buf_puts(out, "");
    if (!keel_json_string(v, out)) {
        keel_buf_append(out, v.data, v.len);
    }
}

static void put_line(const cli *c, const char *label, const char *text, keel_buf *out) {
    char padded[16];
    if (*text) {
        snprintf(padded, sizeof padded, "  %-9s", label);
        term_put(&c->out, out, TINT_DIM, padded);
        text_line(out, text, strlen(text));
        keel_buf_putc(out, '\n');
    }
}

typedef struct told {
    keel_buf about, values, standard, example;
} told;

static void tell(const schema_fields *f, const schema_field *x, told *t) {
    text_of(schema_says(f, x->node, "description"), &t->about);
    schema_values(f, x->node, &t->values);
    text_of(schema_says(f, x->node, "default"), &t->standard);
    schema_example(f, x->node, &t->example);
}

static void print_json(const schema_field *x, const told *t) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    if (t->standard.len) {
        keel_json_set_text(&w, "default", t->standard.data);
    }
    if (t->example.len) {
        keel_json_set_text(&w, "example", t->example.data);
    }
    keel_json_set_text(&w, "meaning", t->about.data);
    keel_json_set_text(&w, "path", x->path);
    keel_json_set_text(&w, "values", t->values.data);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_text(const cli *c, const schema_field *x, size_t places, const told *t) {
    keel_buf out = KEEL_BUF_INIT, example = KEEL_BUF_INIT;
    term_put(&c->out, &out, TINT_BOLD, x->path);
    if (places > 1) {
        keel_buf_printf(&out, "  (and in %zu other place%s)", places - 1, places == 2 ? "" : "s");
    }
    keel_buf_puts(&out, "\n");
    if (t->about.len) {
        keel_buf_puts(&out, "  ");
        text_line(&out, t->about.data, t->about.len);
        keel_buf_puts(&out, "\n");
    }
    keel_buf_puts(&example, "");
    if (t->example.len) {
        keel_buf_printf(&example, "%s: %s", last_of(x->path), t->example.data);
    }
    put_line(c, "values", t->values.data, &out);
    put_line(c, "default", t->standard.data, &out);
    put_line(c, "example", example.data, &out);
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&example);
}

static size_t places_of(const schema_fields *f, const schema_field *x) {
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        n += f->list[i].node.data == x->node.data;
    }
    return n;
}

static void print_field(const cli *c, const schema_fields *f, const schema_field *x) {
    told t = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT};
    tell(f, x, &t);
    if (c->json) {
        print_json(x, &t);
    } else {
        print_text(c, x, places_of(f, x), &t);
    }
    keel_buf_free(&t.about);
    keel_buf_free(&t.values);
    keel_buf_free(&t.standard);
    keel_buf_free(&t.example);
}

/* It was printed already, under the path before. */
static bool is_printed(const schema_fields *f, size_t i, const char *name) {
    for (size_t k = 0; k < i; k++) {
        if (f->list[k].node.data == f->list[i].node.data && schema_field_is(&f->list[k], name)) {
            return true;
        }
    }
    return false;
}

/* A whole path is that field and no other, though others may end like it. */
static size_t print_fields(const cli *c, const schema_fields *f, const char *name) {
    size_t found = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->list[i].path, name) == 0) {
            print_field(c, f, &f->list[i]);
            return 1;
        }
    }
    for (size_t i = 0; i < f->count; i++) {
        if (schema_field_is(&f->list[i], name) && !is_printed(f, i, name)) {
            if (found++ && !c->json) {
                cli_print("\n");
            }
            print_field(c, f, &f->list[i]);
        }
    }
    return found;
}

static int explain_run(cli *c, const options *o, diag *d) {
    keel_buf schema = KEEL_BUF_INIT;
    int rc = read_schema(&schema, d);
    if (rc == 0) {
        schema_fields f;
        schema_fields_read(keel_json_view(schema.data, schema.len), &f);
        if (!print_fields(c, &f, o->args[0])) {
            rc = no_field(&f, o->args[0], d);
        }
        schema_fields_free(&f);
    }
    keel_buf_free(&schema);
    return rc;
}

const command policy_explain_verb = {
    .name = "explain",
    .words = "FIELD",
    .summary = "what a field of a policy means, its values, default and an example",
    .more = "FIELD is a path such as rules.approval.expires, or the end of one: approval.expires,\n"
            "expires. All fields that end so are shown.",
    .examples = "keel policy explain rules.approval.expires\nkeel policy explain matches\n"
                "keel policy explain budgets.window --json",
    .least = 1,
    .most = 1,
    .run = explain_run,
};
