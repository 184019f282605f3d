/* What a test says to the scripted outside while it runs. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "script_mail.h"
#include "world.h"

static void state(const world *w, answer *a);

static bool has_mail(const world *w) {
    return w->script->mail.smtp.on || w->script->mail.imap.on;
}

static void set_mail(const world *w, keel_json_writer *json) {
    char hex[DIGEST_HEX];
    keel_buf all = KEEL_BUF_INIT;
    post_write(w->post, &all);
    digest of = digest_of(all.data, all.len);
    digest_hex(&of, hex);
    keel_json_set_text(json, "mail", hex);
    keel_buf_free(&all);
}

/* A letter that comes in by no face: the body, for the mailbox of ?to=. */
static void put_mail(world *w, const request *q, answer *a) {
    char to[256], user[128], name[256] = "INBOX";
    if (!request_query(q, "to", to, sizeof to) || !*to || !q->body.len) {
        answer_text(a, 400, "{\"error\":\"POST a letter to mail?to=NAME, or &folder=NAME\"}");
        return;
    }
    request_query(q, "folder", name, sizeof name);
    script_mailbox(to, user, sizeof user);
    folder_put(post_make(w->post, user, name), q->body.data, q->body.len, 0, (int64_t)time(NULL));
    state(w, a);
}

static void state(const world *w, answer *a) {
    char hex[DIGEST_HEX];
    keel_buf all = KEEL_BUF_INIT;
    keel_json_writer json;
    shelf_write(w->shelf, &all);
    digest of = digest_of(all.data, all.len);
    digest_hex(&of, hex);
    keel_json_write(&json, &a->body);
    keel_json_object(&json);
    keel_json_set_int(&json, "applied", w->applied);
    keel_json_set_int(&json, "late", (int64_t)late_count(w));
    if (has_mail(w)) {
        set_mail(w, &json);
    }
    keel_json_set_int(&json, "requests", w->requests);
    keel_json_set_text(&json, "store", hex);
    keel_json_object_end(&json);
    keel_buf_free(&all);
    a->status = 200;
}

static void set_faults(world *w, const request *q, answer *a) {
    diag d = {0};
    if (script_faults(&w->faults, q->body.data, q->body.len, &d)) {
        keel_json_writer json;
        keel_json_write(&json, &a->body);
        keel_json_object(&json);
        keel_json_set_text(&json, "error", d.what);
        keel_json_object_end(&json);
        a->status = 400;
    } else {
        state(w, a);
    }
}

/* What changes something; false: there is no such command. */
static bool control_post(world *w, const request *q, const char *what, answer *a) {
    if (!strcmp(what, "faults")) {
        set_faults(w, q, a);
        return true;
    }
    if (!strcmp(what, "mail") && has_mail(w)) {
        put_mail(w, q, a);
        return true;
    }
    if (!strcmp(what, "late")) {
        late_apply_all(w);
    } else if (!strcmp(what, "forget_keys")) {
        shelf_forget_keys(w->shelf);
    } else if (!strcmp(what, "forget")) {
        post_forget(w->post);
    } else if (!strcmp(what, "clear")) {
        shelf_clear(w->shelf);
        post_clear(w->post);
    } else {
        return false;
    }
    state(w, a);
    return true;
}

static bool control_get(const world *w, const char *what, answer *a) {
    if (!strcmp(what, "state")) {
        state(w, a);
    } else if (!strcmp(what, "store")) {
        shelf_write(w->shelf, &a->body);
        a->status = 200;
    } else if (!strcmp(what, "mail")) {
        post_write(w->post, &a->body);
        a->status = 200;
    } else {
        return false;
    }
    return true;
}

bool control_serve(world *w, conn *c, const request *q) {
    static const char base[] = "/_fakeworld/";
    answer a = {0};
    keel_buf out = KEEL_BUF_INIT;
    if (strncmp(q->path, base, sizeof base - 1) != 0) {
        return false;
    }
    const char *what = q->path + sizeof base - 1;
    if (!strcmp(q->method, "POST") ? !control_post(w, q, what, &a) : !control_get(w, what, &a)) {
        answer_text(&a, 404,
                    "{\"error\":\"POST faults late forget_keys forget clear mail, GET state store "
                    "mail\"}");
    }
    serve_write(&out, &a, q->close, -1);
    conn_send(c, &out, q->close);
    keel_buf_free(&out);
    answer_free(&a);
    return true;
}
