/* Where a request may go, at first and after each redirect: the same check. */
#include <stdio.h>
#include <string.h>

#include "egress.h"

#define REDIRECTS 3

int http_permit(request *r, const char *url, size_t len, diag *d) {
    permit p;
    int result = permit_check(&p, r->t.conn, url, len, d);
    if (result < 0) {
        return result;
    }
    if (strcmp(p.o.scheme, "http") != 0 && strcmp(p.o.scheme, "https") != 0) {
        permit_free(&p);
        return diag_set(d, DIAG_USAGE, "A request goes to http or https.");
    }
    permit_free(&r->permit);
    r->permit = p;
    return 0;
}

static bool redirects(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* From https to http is a step down that nobody asked for. */
static bool step_down(const origin *from, const origin *to) {
    return strcmp(from->scheme, "https") == 0 && strcmp(to->scheme, "http") == 0;
}

bool http_redirect(request *r, int status) {
    char *location = NULL;
    diag d = {0};
    bool fetches = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
    if (!r->follow || !fetches || !redirects(status) || r->redirects >= REDIRECTS) {
        return false;
    }
    curl_easy_getinfo(r->t.easy, CURLINFO_REDIRECT_URL, &location);
    if (!location) {
        return false;
    }
    origin from = r->permit.o;
    r->redirects++;
    int result = http_permit(r, location, strcspn(location, "#"), &d);
    if (result == 0 && step_down(&from, &r->permit.o)) {
        result = diag_set(&d, DIAG_DENIED, "%s redirects to plain HTTP.", from.host);
    }
    if (result < 0) {
        char text[600];
        snprintf(text, sizeof text, "A redirect is not followed: %.300s %.200s", d.what, d.next);
        http_cancel(r, "denied", text);
        return true;
    }
    r->door->bodies -= r->answer.len; /* of the redirect itself */
    r->reserved -= r->answer.len;
    transfer_stop(&r->t);
    http_perform(r);
    return true;
}
