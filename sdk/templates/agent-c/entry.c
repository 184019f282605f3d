/* {name}: what it does, in a sentence. keel/plugin.h and keel/effect.h are the manuals. */
#include <stdio.h>

#include <keel/effect.h>
#include <keel/json.h>

typedef struct agent {
    const keel_host *host;
    const keel_effect *ask;
} agent;

static keel_status create(const keel_host *host, keel_span config, void **self) {
    agent *a = *self = host->alloc(host->ctx, sizeof *a);
    (void)config;
    *a = (agent){host, host->get_service(host->ctx, KEEL_EFFECT_SERVICE)};
    return a->ask ? KEEL_OK : host->fail(host->ctx, NULL, KEEL_E_INTERNAL, "no keel.effect/1");
}

static keel_json view(keel_span s) {
    return keel_json_view(s.data, s.len);
}

/* The text that greets, computed once: after a restart it comes from the record. */
static keel_status greet(agent *a, keel_call *call, keel_json input, keel_span *text) {
    keel_status s = a->ask->step(a->ask->ctx, call, "greet", text);
    if (s == KEEL_OK && !text->data) {
        char who[100] = "you";
        keel_buf b = KEEL_BUF_INIT, json = KEEL_BUF_INIT;
        keel_json_copy(keel_json_get(input, "name"), who, sizeof who);
        keel_buf_printf(&b, "Hello %s!", who);
        keel_json_quote(&json, b.data, b.len);
        s = a->ask->step_done(a->ask->ctx, call, (keel_span){json.data, json.len}, text);
        keel_buf_free(&json);
        keel_buf_free(&b);
    }
    return s;
}

static keel_status answer(agent *a, keel_call *call, const keel_outcome *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &text);
    keel_json_object(&w);
    if (out->ok.data) {
        keel_json_set_raw(&w, "note", keel_json_get(view(out->ok), "id"));
    } else {
        keel_json_set_text(&w, "stopped", out->code.data);
        keel_json_set_text(&w, "why", out->why.data ? out->why.data : "");
    }
    keel_json_object_end(&w);
    keel_status s = a->host->reply(a->host->ctx, call, (keel_span){text.data, text.len});
    keel_buf_free(&text);
    return s;
}

/* Entered again from here after every restart and suspension: whatever it does must follow from
 * `r` and from what calls return. */
static keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    agent *a = self;
    keel_span text;
    keel_outcome out = {.size = sizeof out};
    char who[100] = "you", why[128];
    keel_status s = greet(a, call, view(r->input), &text);
    if (s < 0) {
        return s;
    }
    keel_json_copy(keel_json_get(view(r->input), "name"), who, sizeof who);
    snprintf(why, sizeof why, "%s came by", who);
    keel_buf args = KEEL_BUF_INIT;
    keel_effect_options options = {.size = sizeof options, .why = why};
    keel_buf_printf(&args, "{\"text\":%.*s}", (int)text.len, text.data);
    s = a->ask->write(a->ask->ctx, call, "notes", "note", (keel_span){args.data, args.len},
                      &options, &out);
    keel_buf_free(&args);
    return s < 0 ? s : answer(a, call, &out);
}

KEEL_AGENT("{plugin_id}", "0.1.0", .create = create, .run = run)
