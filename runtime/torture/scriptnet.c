/* network: a connector that acts through egress, on a service with a log of its own, which loses the
 * answer to its second request. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "operator.h"
#include "scripts.h"
#include "siteint.h"

static void serve(const char *program, const char *world, const char *log, int to) {
    dup2(to, 1);
    execl(program, "keel-fakeworld", world, "--log", log, "--end-with-parent", (char *)NULL);
    _exit(127);
}

/* The service outlives the kernels of the site. */
static bool start_service(site *s, long *port) {
    char program[400], world[300], log[300], text[32] = "";
    int ends[2];
    snprintf(program, sizeof program, "%s/keel-fakeworld", getenv("KEEL_LIBEXEC"));
    snprintf(world, sizeof world, "%s/world.yaml", s->root);
    snprintf(log, sizeof log, "%s/world.log", s->folder);
    if (pipe2(ends, O_CLOEXEC)) {
        return site_fault(s, "there is no pipe");
    }
    fflush(NULL);
    s->beside = fork();
    if (s->beside == 0) {
        serve(program, world, log, ends[1]);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    *port = n > 0 ? strtol(text, NULL, 10) : 0;
    return *port > 0 || site_fault(s, "%s does not start", program);
}

static bool lead_there(site *s, long port) {
    char path[300], base[40];
    keel_buf text = KEEL_BUF_INIT, changed = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/keel.yaml", s->root);
    snprintf(base, sizeof base, "http://127.0.0.1:%ld", port);
    char *at =
        fsio_read(path, 65536, &text, NULL) ? NULL : strstr(text.data, "http://127.0.0.1:1\"");
    if (!at) {
        return site_fault(s, "%s names no address to be replaced", path);
    }
    keel_buf_append(&changed, text.data, (size_t)(at - text.data));
    keel_buf_printf(&changed, "%s%s", base, at + strlen("http://127.0.0.1:1"));
    site_put(s, "keel.yaml", changed.data);
    keel_buf_free(&text);
    keel_buf_free(&changed);
    return true;
}

bool script_network_equip(site *s) {
    long port = 0;
    return start_service(s, &port) && lead_there(s, port);
}

bool script_network(site *s) {
    return operator_begin(s, "do-poster-1", "{\"agent\":\"poster\",\"input\":{}}") &&
           operator_settle(s, true);
}

/* What the service says it applied, as the log of an outside (site.h). */
void script_network_oracle(site *s) {
    char path[300], *save = NULL;
    keel_buf log = KEEL_BUF_INIT, applied = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/world.log", s->folder);
    if (!fsio_read(path, 1 << 20, &log, NULL) && log.data) {
        for (char *l = strtok_r(log.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
            char key[64] = "";
            keel_json line = keel_json_view(l, strlen(l));
            keel_json_copy(keel_json_get(line, "key"), key, sizeof key);
            if (keel_json_true(keel_json_get(line, "applied"))) {
                keel_buf_printf(&applied, "%s card.write -\n", key);
            }
        }
    }
    site_put(s, "outside-board/applied", applied.data ? applied.data : "");
    keel_buf_free(&log);
    keel_buf_free(&applied);
}
