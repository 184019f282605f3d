/* What the keys of the inbox view ask for: said to the kernel, and what it answers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "commands.h"
#include "edit.h"
#include "inboxview_int.h"
#include "itemnumbers.h"
#include "why.h"

/* ---- what is decided ---- */

static void failed(view *v, const diag *d) {
    if (v->c->kernel && client_hung_up(v->c->kernel)) {
        looks_failed(v->l, "Keel ended before it answered: whether it took force is not known yet.",
                     "After `keel up`, what took force leaves this list by itself.", cli_now_us());
    } else {
        looks_failed(v->l, d->what, d->next, cli_now_us());
    }
}

static void told(view *v, const keel_buf *result) {
    keel_json items = keel_json_get(keel_json_view(result->data, result->len), "items");
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        int64_t number = 0;
        char outcome[32] = "", why[512] = "";
        keel_json_int(keel_json_get(it.value, "number"), &number);
        keel_json_copy(keel_json_get(it.value, "outcome"), outcome, sizeof outcome);
        keel_json_copy(keel_json_get(it.value, "why"), why, sizeof why);
        if (keel_json_get(it.value, "grant").data) {
            snprintf(why, sizeof why, "remembered: keel grant show %" PRId64, number);
        }
        looks_outcome(v->l, number, outcome, why, cli_now_us());
    }
    looks_settled(v->l);
}

static void numbers_of(const looks *l, numbers *n) {
    size_t count;
    const int64_t *list = looks_numbers(l, &count);
    n->count = 0;
    for (size_t i = 0; i < count && n->count < NUMBERS_MAX; i++) {
        n->list[n->count++] = list[i];
    }
}

/* The journal keeps which ones stood on the screen together. One that has gone meanwhile is told of
 * by the approval itself. */
static void fix_batch(view *v, const numbers *n) {
    keel_buf list = KEEL_BUF_INIT, args = KEEL_BUF_INIT;
    diag ignored;
    numbers_json(n, &list);
    keel_buf_printf(&args, "{\"numbers\":%s}", list.data);
    (void)cli_call(v->c, "batch", &args, NULL, &ignored);
    keel_buf_free(&list);
    keel_buf_free(&args);
}

static int send_approval(view *v, const numbers *n, keel_buf *result, diag *d) {
    keel_buf args = KEEL_BUF_INIT;
    card **cards = keel_alloc((n->count + 1) * sizeof *cards);
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++) {
        cards[count] = bodies_card(&v->bodies, n->list[i]);
        count += cards[count] != NULL;
    }
    int rc = 0;
    if (count < n->count) {
        diag_set(d, DIAG_CONFLICT, "Some of it has changed at this moment: nothing was approved.");
        rc = diag_next(d, "Look at it once more.");
    }
    if (rc == 0 && count > 1) {
        fix_batch(v, n);
    }
    if (rc == 0 && looks_remembers(v->l)) {
        rc = count == 1 ? signer_may_remember(cards[0], d) : DIAG_CONFLICT;
    }
    if (rc == 0) {
        signer_approve(&v->who, cards, count, looks_remembers(v->l), &args);
        rc = cli_call(v->c, "approve", &args, result, d);
    }
    keel_buf_free(&args);
    free(cards);
    return rc;
}

/* Chosen since this view was opened: he has not been asked for his passphrase yet. */
static bool approver_came(view *v) {
    bool before = !v->nobody.code;
    if (!before) {
        view_approver(v);
    }
    return !before && !v->nobody.code;
}

static void approve(view *v) {
    if (approver_came(v)) {
        looks_say(v->l, TINT_WAIT, "There is an approver now: press it again.");
        return;
    }
    numbers *n = keel_alloc(sizeof *n);
    keel_buf result = KEEL_BUF_INIT;
    diag d = {0};
    numbers_of(v->l, n);
    int rc = view_running(v) ? 0 : cli_client(v->c, &d);
    if (rc == 0 && v->nobody.code) {
        d = v->nobody;
        rc = d.code;
    }
    rc = rc ? rc : send_approval(v, n, &result, &d);
    if (rc == DIAG_AUTH) {
        view_approver(v); /* the passphrase may be another one now */
    }
    if (rc) {
        failed(v, &d);
    } else {
        told(v, &result);
    }
    keel_buf_free(&result);
    free(n);
}

static void deny(view *v) {
    numbers *n = keel_alloc(sizeof *n);
    keel_buf list = KEEL_BUF_INIT, args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    keel_json_writer w;
    diag d = {0};
    numbers_of(v->l, n);
    numbers_json(n, &list);
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_raw(&w, "items", keel_json_view(list.data, list.len));
    keel_json_set_text(&w, "why", looks_typed(v->l));
    keel_json_object_end(&w);
    looks_forget_typed(v->l);
    int rc = view_running(v) ? 0 : cli_client(v->c, &d);
    rc = rc ? rc : cli_call(v->c, "deny", &args, &result, &d);
    if (rc) {
        failed(v, &d);
    } else {
        told(v, &result);
    }
    keel_buf_free(&list);
    keel_buf_free(&args);
    keel_buf_free(&result);
    free(n);
}

static void answer(view *v) {
    size_t count;
    int64_t number = looks_numbers(v->l, &count)[0];
    const card *k = bodies_card(&v->bodies, number);
    keel_buf value = KEEL_BUF_INIT, args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    diag d = {0};
    int rc = view_running(v) ? 0 : cli_client(v->c, &d);
    if (rc == 0 && !k) {
        rc = diag_set(&d, DIAG_CONFLICT, "It has changed at this moment: nothing was answered.");
    }
    rc = rc ? rc
            : answer_value(card_shown(k)->args, number, looks_choice(v->l), looks_typed(v->l),
                           &value, &d);
    if (rc == 0) {
        answer_args(number, keel_json_view(value.data, value.len), &args);
        rc = cli_call(v->c, "answer", &args, &result, &d);
    }
    looks_forget_typed(v->l);
    if (rc) {
        failed(v, &d);
    } else {
        keel_buf_clear(&result);
        render_answer(keel_json_view(value.data, value.len), &result);
        looks_outcome(v->l, number, "answered", result.data, cli_now_us());
        looks_settled(v->l);
    }
    keel_buf_free(&value);
    keel_buf_free(&args);
    keel_buf_free(&result);
}

static void unlock(view *v) {
    view_approver(v); /* as he is now */
    char **who = v->who.row.values;
    diag d = v->nobody;
    bool right = false;
    looks_say(v->l, TINT_NONE, "Making the key from the passphrase ...");
    view_draw(v);
    int rc = d.code ? d.code
                    : approver_try(who[SIGNER_PUBLIC_KEY], who[SIGNER_SALT], looks_typed(v->l),
                                   &v->who.key, &right, &d);
    if (rc) {
        looks_forget_typed(v->l);
        failed(v, &d);
        return;
    }
    v->tries++;
    if (looks_unlocked(v->l, right, v->tries % APPROVER_TRIES == 0) == LOOKS_APPROVE) {
        approve(v);
    }
}

/* ---- edit, why ---- */

static void wait_for_enter(void) {
    int byte;
    fputs("Enter goes back to the inbox. ", stdout);
    fflush(stdout);
    do {
        byte = getchar();
    } while (byte != '\n' && byte != EOF);
}

/* The usual way, on the usual screen: the editor, then the difference. */
static int edit_here(view *v, const card *k) {
    static const option flag = {"edit", 0, NULL, ""};
    options o = {.given = {&flag}, .given_count = 1};
    diag d = {0};
    int rc = edit_item(v->c, k, &o, &d);
    if (rc) {
        cli_fault(&d);
    }
    return rc;
}

static void edit(view *v) {
    size_t count;
    int64_t number = looks_numbers(v->l, &count)[0];
    card *fresh = NULL, *k = bodies_card(&v->bodies, number);
    diag d = {0};
    if (!k || (!view_running(v) && cli_client(v->c, &d) != 0)) {
        looks_failed(v->l, k ? d.what : "It cannot be read.", k ? d.next : "", cli_now_us());
        return;
    }
    screen_suspend(v->s);
    int rc = edit_here(v, k);
    wait_for_enter();
    screen_resume(v->s);
    if (rc == 0 && card_load(v->c, number, &fresh, &d) == 0) {
        bodies_forget(&v->bodies, number);
        looks_changed(v->l, number, card_shown(fresh)->approval);
        looks_say(v->l, TINT_GOOD, "%" PRId64 " is changed: read it, then approve it.", number);
        card_free(fresh);
    } else {
        looks_say(v->l, TINT_WAIT, "%" PRId64 " is as it was.", number);
    }
}

static void why(view *v) {
    size_t count;
    char word[24];
    diag d = {0};
    keel_buf text = KEEL_BUF_INIT;
    size_t width = v->c->out.width;
    snprintf(word, sizeof word, "%" PRId64, looks_numbers(v->l, &count)[0]);
    v->c->out.width = v->columns > 40 ? v->columns - 2 : 40;
    if (why_text(v->c, word, &text, &d) != 0) {
        keel_buf_clear(&text);
        keel_buf_printf(&text, "%s\n%s\n", d.what, d.next);
    }
    v->c->out.width = width;
    looks_overlay(v->l, text.data, text.len);
    keel_buf_free(&text);
}

/* ---- which is which ---- */

bool view_act(view *v, looks_action action) {
    switch (action) {
    case LOOKS_QUIT:
        return false;
    case LOOKS_UNLOCK:
        unlock(v);
        break;
    case LOOKS_APPROVE:
        approve(v);
        break;
    case LOOKS_DENY:
        deny(v);
        break;
    case LOOKS_ANSWER:
        answer(v);
        break;
    case LOOKS_EDIT:
        edit(v);
        break;
    case LOOKS_WHY:
        why(v);
        break;
    case LOOKS_REDRAW:
        screen_redraw(v->s);
        break;
    case LOOKS_NOTHING:
        break;
    }
    return true;
}
