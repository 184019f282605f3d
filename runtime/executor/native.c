#include "native.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "native_agent.h"
#include "status.h"

/* ---- the start ---- */

static int refuse_start(const native *n, const char *step, keel_status status, diag *d) {
    diag_set(d, DIAG_FAILED, "%s: its %s failed (%s)%s%s.", executor_get_config(n->x)->id, step,
             status_name(status), *n->why ? ": " : "", n->why);
    return diag_next(d, "Correct the connection in keel.yaml, or ask the plugin's author.");
}

static void init_services(native *n) {
    const executor_config *c = executor_get_config(n->x);
    if (c->http || c->stream) {
        n->egress = egress_client_create(EXECUTOR_FD_EGRESS, EXECUTOR_FD_FRAMES);
    }
    native_fs_init(n);
    native_http_init(n);
    native_stream_init(n);
    native_kv_init(n);
    native_clock_init(n);
    native_usage_init(n);
    native_json_init(n);
    native_effect_init(n);
    native_ask_init(n);
    native_spawn_init(n);
}

static int load(executor *x, void **self, diag *d) {
    native *n = keel_alloc(sizeof *n);
    memset(n, 0, sizeof *n);
    n->x = x;
    *self = n; /* destroyed by the executor, whatever comes */
    setlocale(LC_CTYPE, "C.UTF-8");
    native_host_init(n);
    init_services(n);
    if (native_open(n, EXECUTOR_FD_NATIVE, d) < 0) {
        return DIAG_FAILED;
    }
    close(EXECUTOR_FD_NATIVE);
    keel_status status = n->connector.prepare ? n->connector.prepare(&n->host) : KEEL_OK;
    return status < 0 ? refuse_start(n, "prepare", status, d) : 0;
}

static int create(void *self, diag *d) {
    native *n = self;
    keel_json config = executor_get_config(n->x)->config;
    keel_span span = config.data ? (keel_span){config.data, config.len} : (keel_span){"{}", 2};
    keel_status status = n->connector.create(&n->host, span, &n->instance);
    if (status < 0) {
        return refuse_start(n, "create", status, d);
    }
    n->created = true;
    return 0;
}

static void destroy(void *self) {
    native *n = self;
    native_run_destroy_all(n);
    if (n->created && n->connector.destroy) {
        n->connector.destroy(n->instance);
    }
    native_take_back(&n->lent);
    fs_destroy(n->fs);
    egress_client_destroy(n->egress);
    free(n);
}

/* ---- a verb ---- */

typedef keel_status verb_function(void *self, keel_call *call, const keel_request *request);

static verb_function *find_verb(const native *n, keel_json name) {
    const struct {
        const char *name;
        verb_function *f;
    } verbs[] = {
        {"read", n->connector.read},
        {"write", n->connector.write},
        {"reconcile", n->connector.reconcile},
        {"compensate", n->connector.compensate},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (keel_json_is(name, verbs[i].name)) {
            return verbs[i].f;
        }
    }
    return NULL;
}

keel_span native_text_span(keel_call *call, keel_json v) {
    keel_buf b = KEEL_BUF_INIT;
    if (!keel_json_string(v, &b)) {
        return (keel_span){NULL, 0};
    }
    char *copy = native_lend(&call->scratch, b.len + 1);
    if (b.len) {
        memcpy(copy, b.data, b.len);
    }
    keel_span span = {copy, b.len};
    keel_buf_free(&b);
    return span;
}

/* null is as good as not there. */
static keel_span outcome_span(keel_json v) {
    return keel_json_typeof(v) == KEEL_JSON_NULL ? (keel_span){NULL, 0}
                                                 : (keel_span){v.data, v.len};
}

static keel_span body_span(keel_json v) {
    return v.data ? (keel_span){v.data, v.len} : (keel_span){"null", 4};
}

static uint32_t read_flags(keel_json list) {
    uint32_t flags = 0;
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        flags |= keel_json_is(it.value, "dry_run") ? KEEL_REQUEST_DRY_RUN : 0;
    }
    return flags;
}

static uint32_t read_mode(keel_json mode) {
    return keel_json_is(mode, "effect")     ? KEEL_MODE_EFFECT
           : keel_json_is(mode, "resource") ? KEEL_MODE_RESOURCE
                                            : KEEL_MODE_NONE;
}

static uint64_t deadline_after(keel_json us) {
    int64_t left;
    return keel_json_int(us, &left) && left > 0 ? clock_monotonic_ns() + (uint64_t)left * 1000u : 0;
}

static void read_request(keel_call *call, keel_json v, keel_request *r) {
    int64_t attempt = 1;
    keel_json_int(keel_json_get(v, "attempt"), &attempt);
    *r = (keel_request){
        .size = sizeof *r,
        .flags = read_flags(keel_json_get(v, "flags")),
        .resource = native_text_span(call, keel_json_get(v, "resource")),
        .body = body_span(keel_json_get(v, "body")),
        .key = native_text_span(call, keel_json_get(v, "key")),
        .outcome = outcome_span(keel_json_get(v, "outcome")),
        .deadline_ns = deadline_after(keel_json_get(v, "deadline_us")),
        .attempt = (uint32_t)attempt,
        .mode = read_mode(keel_json_get(v, "mode")),
    };
    call->deadline_ns = r->deadline_ns;
    kv_begin(&call->kv, keel_json_get(v, "kv"));
}

static void put_cost(keel_json_writer *w, const keel_call *call) {
    if (call->has_cost) {
        keel_json_key(w, "cost");
        keel_json_object(w);
        keel_json_set_text(w, "currency", call->currency);
        keel_json_set_int(w, "micros", call->cost_micros);
        keel_json_object_end(w);
    }
}

static void answer(native *n, uint64_t ref, const keel_call *call) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    put_cost(&w, call);
    keel_buf puts = KEEL_BUF_INIT;
    if (kv_write(&call->kv, &puts)) {
        keel_json_set_raw(&w, "kv", keel_json_view(puts.data, puts.len));
    }
    keel_buf_free(&puts);
    keel_json_set_raw(&w, "result", keel_json_view(call->reply.data, call->reply.len));
    native_usage_put(call, &w);
    keel_json_object_end(&w);
    executor_send(n->x, X_REPLY, 0, ref, body.data, body.len);
    keel_buf_free(&body);
}

static void answer_failure(native *n, uint64_t ref, const keel_call *call, keel_status status,
                           const char *message) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "code", status_name(status));
    put_cost(&w, call);
    keel_json_set_text(&w, "message", message);
    keel_json_object_end(&w);
    executor_send(n->x, X_FAIL, 0, ref, body.data, body.len);
    keel_buf_free(&body);
}

/* A verb that says OK has answered, or it has broken its word: then what it did is not known. */
static void finish_call(native *n, uint64_t ref, keel_call *call, keel_status status) {
    if (status == KEEL_OK && call->replied) {
        answer(n, ref, call);
    } else if (status == KEEL_OK) {
        answer_failure(n, ref, call, KEEL_E_INTERNAL,
                       *call->bad ? call->bad : "the verb returned OK without a reply");
    } else {
        answer_failure(n, ref, call, status,
                       *call->message ? call->message : "the connector gave no reason");
    }
}

static keel_status enter(native *n, uint64_t ref, verb_function *verb, keel_call *call,
                         const keel_request *request) {
    n->call = call;
    if (n->egress) {
        egress_client_verb(n->egress, ref, request->deadline_ns);
    }
    executor_running(n->x, ref);
    keel_status status = verb(n->instance, call, request);
    executor_running(n->x, 0);
    if (n->egress) {
        egress_client_verb(n->egress, 0, 0);
    }
    n->call = NULL;
    return status;
}

static void run_verb(native *n, const frame *f) {
    keel_call call = {0};
    keel_request request;
    keel_json v = keel_json_view(f->body, f->len);
    verb_function *verb = find_verb(n, keel_json_get(v, "verb"));
    if (!verb) {
        answer_failure(n, f->ref, &call, KEEL_E_NOT_IMPLEMENTED,
                       "the connector does not have this verb");
        return;
    }
    read_request(&call, v, &request);
    keel_status status = enter(n, f->ref, verb, &call, &request);
    finish_call(n, f->ref, &call, status);
    kv_end(&call.kv);
    native_take_back(&call.scratch);
    keel_buf_free(&call.reply);
}

static void handle(void *self, const frame *f) {
    native *n = self;
    if (f->type == X_VERB) {
        run_verb(n, f);
    } else if (n->agent.run) {
        native_run_handle(n, f);
    }
}

static void work(void *self) {
    native_run_work(self);
}

const engine_ops engine_native = {.name = "native",
                                  .load = load,
                                  .create = create,
                                  .handle = handle,
                                  .work = work,
                                  .destroy = destroy};
