/* People of the simulation: an operator who signs, and who looks at the outside's own log. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simworld.h"
#include "undo_plan.h"

void sim_key(uint8_t pk[32], uint8_t sk[64]) {
    uint8_t seed[32];
    memset(seed, 7, sizeof seed);
    crypto_sign_seed_keypair(pk, sk, seed);
}

typedef struct open_item {
    sim_world *w;
    bool any;
} open_item;

/* member: "", or "remember" with its value and a comma, at its place in what is signed. */
static void consent_with(const sim_world *w, const char *approval, const char *number,
                         const char *member, char args[800]) {
    uint8_t pk[32], sk[64], sig[64];
    char text[400], hex[129];
    sim_key(pk, sk);
    int n =
        snprintf(text, sizeof text,
                 "{\"approval\":\"%s\",\"incarnation\":\"%s\",\"nonce\":\"%032d\",\"number\":%s,"
                 "%s\"verdict\":\"approve\"}",
                 approval, store_identify(w->store)->incarnation, 1, number, member);
    crypto_sign_detached(sig, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(hex, sig, 64);
    snprintf(args, 800,
             "{\"by\":\"operator\",\"items\":[{\"approval\":\"%s\",\"nonce\":\"%032d\","
             "\"number\":%s,%s\"signature\":\"%s\"}]}",
             approval, 1, number, member, hex);
}

void sim_consent(const sim_world *w, const char *approval, const char *number, char args[800]) {
    consent_with(w, approval, number, "", args);
}

static int on_shown(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    char *const *to = ctx;
    snprintf(to[0], DIGEST_HEX, "%s", v[0] ? v[0] : "");
    snprintf(to[1], 24, "%s", v[1]);
    return 0;
}

bool sim_remember(const sim_world *w, int64_t number, char args[800]) {
    char approval[DIGEST_HEX] = "", where[24] = "0", text[24], hex[DIGEST_HEX], member[96] = "";
    char *to[] = {approval, where};
    const char *params[] = {text};
    keel_buf scope = KEEL_BUF_INIT;
    snprintf(text, sizeof text, "%lld", (long long)number);
    reader_query(store_reader(w->store),
                 "SELECT lower(hex(digest)), args_seq FROM item WHERE number = ?", params, 1,
                 on_shown, to, NULL);
    reader_member(store_reader(w->store), strtoll(where, NULL, 10), "remember", &scope, NULL);
    digest d = digest_of(scope.data ? scope.data : "", scope.len);
    digest_hex(&d, hex);
    snprintf(member, sizeof member, "\"remember\":\"%s\",", hex);
    consent_with(w, approval, text, member, args);
    bool offered = scope.len > 0;
    keel_buf_free(&scope);
    return offered;
}

static void approve(sim_world *w, const char *request, const char *number, const char *approval) {
    char args[800];
    sim_consent(w, approval, number, args);
    sim_command(w, request, "approve", args);
}

static int on_item(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    open_item *o = ctx;
    o->any = true;
    char args[160], request[48];
    if (!strcmp(v[1], "stuck")) {
        snprintf(request, sizeof request, "again-%s", v[0]);
        sim_rollback(o->w, request, strtoull(v[4], NULL, 10));
    } else if (!strcmp(v[1], "question")) {
        snprintf(request, sizeof request, "answer-%s", v[0]);
        snprintf(args, sizeof args, "{\"number\":%s,\"value\":\"that\"}", v[0]);
        sim_command(o->w, request, "answer", args);
    } else if (!strcmp(v[1], "approval")) {
        snprintf(request, sizeof request, "approve-%s-%.8s", v[0], v[2]); /* edited: anew */
        approve(o->w, request, v[0], v[2]);
    } else {
        bool done = outside_applied(&o->w->outside, v[3]) > 0;
        snprintf(args, sizeof args, "{\"number\":%s,\"verdict\":\"%s\",\"why\":\"looked\"}", v[0],
                 done ? "done" : "not_done");
        snprintf(request, sizeof request, "verdict-%s", v[0]);
        sim_command(o->w, request, "verdict", args);
    }
    return 0;
}

void sim_label(sim_world *w, const char *request, int run, bool untrusted, const char *level,
               int64_t seq) {
    uint8_t pk[32], sk[64], sig[64];
    char text[400], args[800], hex[129];
    sim_key(pk, sk);
    seq = seq ? seq : sim_number(w, "SELECT max(seq) FROM journal");
    int n = snprintf(text, sizeof text,
                     "{\"incarnation\":\"%s\",\"nonce\":\"%032d\",\"run\":%d,\"sensitivity\":"
                     "\"%s\",\"seq\":%lld,\"untrusted\":%s,\"verdict\":\"label\",\"why\":\"read\"}",
                     store_identify(w->store)->incarnation, 1, run, level, (long long)seq,
                     untrusted ? "true" : "false");
    crypto_sign_detached(sig, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(hex, sig, 64);
    snprintf(
        args, sizeof args,
        "{\"by\":\"operator\",\"nonce\":\"%032d\",\"run\":%d,\"sensitivity\":\"%s\",\"seq\":%lld,"
        "\"signature\":\"%s\",\"untrusted\":%s,\"why\":\"read\"}",
        1, run, level, (long long)seq, hex, untrusted ? "true" : "false");
    sim_command(w, request, "run.label", args);
}

void sim_rollback(sim_world *w, const char *request, uint64_t run) {
    undo_plan p;
    char args[200], hex[DIGEST_HEX];
    diag d = {0};
    if (undo_plan_make(store_reader(w->store), run, &p, &d)) {
        return;
    }
    digest plan = undo_plan_digest(&p);
    digest_hex(&plan, hex);
    undo_plan_free(&p);
    snprintf(args, sizeof args, "{\"plan\":\"%s\",\"run\":%llu,\"why\":\"a mistake\"}", hex,
             (unsigned long long)run);
    sim_command(w, request, "rollback", args);
}

bool sim_operator(sim_world *w) {
    open_item o = {w, false};
    reader_query(store_reader(w->store),
                 "SELECT i.number, i.kind, lower(hex(i.digest)), e.key, i.run FROM item i"
                 " LEFT JOIN effect e ON e.run = i.run AND e.path = i.path WHERE i.state = 'open'"
                 " AND (i.kind <> 'stuck' OR (i.next LIKE '%keel rollback%' AND"
                 " (SELECT count(*) FROM item) < 20))",
                 NULL, 0, on_item, &o, NULL);
    return o.any;
}

typedef struct signing {
    sim_world *w;
    const char *request;
} signing;

static int on_signing(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    const signing *s = ctx;
    approve(s->w, s->request, v[0], v[1]);
    return 0;
}

void sim_approve(sim_world *w, const char *request, int64_t number) {
    char text[24];
    const char *params[] = {text};
    signing s = {w, request};
    snprintf(text, sizeof text, "%lld", (long long)number);
    reader_query(store_reader(w->store),
                 "SELECT number, lower(hex(digest)) FROM item WHERE number = ?", params, 1,
                 on_signing, &s, NULL);
}

/* ---- what they are told ---- */

void sim_notify(void *ctx, uint64_t id, const workspace_notifier *by, const char *notice,
                size_t len) {
    sim_world *w = ctx;
    if (w->notice_count < SIM_NOTICES) {
        sim_notice *n = &w->notices[w->notice_count++];
        n->id = id;
        snprintf(n->to, sizeof n->to, "%s", by ? by->name : "");
        snprintf(n->body, sizeof n->body, "%.*s", (int)len, notice);
    }
}

void sim_notified(sim_world *w, const char *why) {
    for (size_t i = 0; i < w->notice_count; i++) {
        if (!w->notices[i].over) {
            w->notices[i].over = true;
            kernel_notified(w->kernel, w->notices[i].id, why);
            return;
        }
    }
    snprintf(w->fault, sizeof w->fault, "nobody is being told");
}

void sim_notices_end(sim_world *w) {
    for (size_t i = 0; i < w->notice_count; i++) {
        w->notices[i].over = true; /* who was telling it tells nobody of its end */
    }
}
