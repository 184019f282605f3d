/* Secrets that a command gives (`pass`, say) may take seconds: they are read beside the loop, for all
 * who wait at once, and what was made of them is kept in the connection for a minute. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "egress.h"

#define KEPT_US 60000000
#define SECRETS 4 /* no recipe has more */

typedef struct login_job {
    uv_work_t work;
    connection *c; /* only its recipe is looked at beside the loop */
    secret_places places;
    char *folder;
    char *credentials;
    char *declared;
    token_waiter *waiters;
    int result;
    diag problem;
    recipe_headers headers;
    keel_buf user;
    secret password;
    bool is_token;
    const char *url;
    secret refresh;
    secret seen[SECRETS];
    size_t seen_count;
} login_job;

static bool has_command(const connection *c) {
    for (const char *const *name = recipe_secrets(c->recipe); *name; name++) {
        keel_json s = keel_json_get(c->e->places.declared, *name);
        if (keel_json_typeof(keel_json_get(s, "command")) != KEEL_JSON_NONE) {
            return true;
        }
    }
    return false;
}

bool login_slow(const connection *c) {
    bool recent = egress_now_us() - c->read_us < KEPT_US;
    if (!c->recipe || !has_command(c)) {
        return false;
    }
    switch (recipe_kind_of(c->recipe)) {
    case RECIPE_BASIC:
    case RECIPE_BEARER:
    case RECIPE_HEADER:
        return !c->login_kept || !recent;
    case RECIPE_SASL_PLAIN:
    case RECIPE_XOAUTH2:
        return !c->password.data || !recent;
    case RECIPE_OAUTH2_REFRESH:
        return !c->refresh.data;
    default:
        return false;
    }
}

bool login_waits(connection *c, token_waiter *w,
                 void (*ready)(token_waiter *w, const diag *problem)) {
    *w = (token_waiter){NULL, c, ready};
    if (c->recipe && recipe_kind_of(c->recipe) == RECIPE_OAUTH2_REFRESH) {
        if (token_good(c)) {
            return false;
        }
        token_wait(c, w);
        return true;
    }
    if (!login_slow(c)) {
        return false;
    }
    login_wait(c, w);
    return true;
}

/* ---- beside the loop ---- */

static int make(login_job *j) {
    const recipe *r = j->c->recipe;
    switch (recipe_kind_of(r)) {
    case RECIPE_SASL_PLAIN:
    case RECIPE_XOAUTH2:
        return recipe_login(r, &j->places, &j->user, &j->password, &j->is_token, &j->problem);
    case RECIPE_OAUTH2_REFRESH:
        return recipe_refresh_request(r, &j->places, &j->url, &j->refresh, &j->problem);
    default:
        return recipe_apply(&j->headers, r, &j->places, "GET", "", "", 0, (int64_t)time(NULL),
                            &j->problem);
    }
}

static void run(uv_work_t *work) {
    login_job *j = work->data;
    j->result = make(j);
    for (const char *const *name = recipe_secrets(j->c->recipe);
         j->result == 0 && *name && j->seen_count < SECRETS; name++) {
        if (secret_read(&j->seen[j->seen_count], &j->places, *name, NULL) == 0) {
            j->seen_count++;
        }
    }
}

/* ---- in the loop ---- */

static void keep(connection *c, login_job *j) {
    login_forget(c);
    c->login = j->headers;
    c->login_kept = j->headers.count > 0;
    keel_buf_append(&c->user, j->user.data, j->user.len);
    c->password = j->password;
    c->password_is_token = j->is_token;
    c->refresh = j->refresh;
    c->refresh_url = j->url;
    login_kept(c);
    for (size_t i = 0; i < j->seen_count; i++) {
        scrub_add(c->scrub, j->seen[i].data, j->seen[i].len);
    }
}

static void free_job(login_job *j) {
    for (size_t i = 0; i < j->seen_count; i++) {
        secret_free(&j->seen[i]);
    }
    keel_buf_free(&j->user);
    free(j->folder);
    free(j->credentials);
    free(j->declared);
    free(j);
}

static void on_run(uv_work_t *work, int status) {
    login_job *j = work->data;
    connection *c = j->c;
    token_waiter *waiters = j->waiters;
    diag problem = j->problem;
    bool good = status == 0 && j->result == 0;
    c->job = NULL;
    if (good) {
        keep(c, j);
    }
    free_job(j);
    while (waiters) {
        token_waiter *w = waiters;
        waiters = w->next;
        w->next = NULL;
        w->ready(w, good ? NULL : &problem);
    }
    connection_drop(c);
}

static char *copy(const char *text) {
    return text ? keel_strdup(text) : NULL;
}

void login_wait(connection *c, token_waiter *w) {
    login_job *j = c->job;
    if (!j) {
        const secret_places *p = &c->e->places;
        j = keel_alloc(sizeof *j);
        memset(j, 0, sizeof *j);
        j->work.data = j;
        j->c = connection_hold(c);
        j->folder = copy(p->folder);
        j->credentials = copy(p->credentials);
        j->declared = keel_memdup(p->declared.data, p->declared.len);
        j->places = (secret_places){j->folder, j->credentials,
                                    keel_json_view(j->declared, p->declared.len)};
        c->job = j;
        uv_queue_work(&c->e->loop, &j->work, run, on_run);
    }
    w->next = j->waiters;
    j->waiters = w;
}

void login_unwait(token_waiter *w) {
    for (token_waiter **p = w->conn && w->conn->job ? &w->conn->job->waiters : NULL; p && *p;
         p = &(*p)->next) {
        if (*p == w) {
            *p = w->next;
            return;
        }
    }
}
