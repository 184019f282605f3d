/* keel doctor: what on this machine and in this workspace might do harm, each with what to do. */
#include "doctor.h"

#include <stdarg.h>
#include <string.h>

#include "commands.h"
#include "text.h"

static const struct {
    const char *name;
    doctor_check *check;
} checks[] = {
    {"keel", check_version},
    {"sqlite", check_sqlite},
    {"libraries", check_libraries},
    {"programs", check_programs},
    {"landlock", check_landlock},
    {"seccomp", check_seccomp},
    {"clock", check_clock},
    {"workspace", check_workspace},
    {"policy", check_policy},
    {"addresses", check_addresses},
    {"permissions", check_permissions},
    {"disk", check_fsync},
    {"space", check_space},
    {"database", check_database},
    {"anchor", check_anchor},
    {"approver", check_approver},
    {"notify", check_notify},
    {"kernel", check_kernel},
};

void found(finding *f, health h, const char *what, ...) {
    va_list ap;
    va_start(ap, what);
    f->health = h;
    vsnprintf(f->what, sizeof f->what, what, ap);
    va_end(ap);
}

void remedy(finding *f, const char *next, ...) {
    va_list ap;
    va_start(ap, next);
    vsnprintf(f->next, sizeof f->next, next, ap);
    va_end(ap);
}

static const char *const words[] = {"ok", "warn", "fail"};

static void print_json(const char *name, const finding *f) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "check", name);
    keel_json_set_text(&w, "health", words[f->health]);
    keel_json_set_text(&w, "next", f->next);
    keel_json_set_text(&w, "what", f->what);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_line(const cli *c, const char *name, const finding *f) {
    keel_buf out = KEEL_BUF_INIT, word = KEEL_BUF_INIT;
    keel_buf_printf(&word, "%-4s", words[f->health]);
    term_put(&c->out, &out, term_outcome(words[f->health]), word.data);
    keel_buf_printf(&out, "  %-12s ", name);
    text_line(&out, f->what, strlen(f->what));
    keel_buf_putc(&out, '\n');
    if (f->next[0]) {
        keel_buf_printf(&out, "%20s", "");
        text_line(&out, f->next, strlen(f->next));
        keel_buf_putc(&out, '\n');
    }
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&word);
}

static int doctor_run(cli *c, const options *o, diag *d) {
    (void)o;
    (void)d;
    int counts[3] = {0, 0, 0};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        finding f = {.health = HEALTH_OK};
        if (!checks[i].check(c, &f)) {
            continue;
        }
        counts[f.health]++;
        if (c->json) {
            print_json(checks[i].name, &f);
        } else {
            print_line(c, checks[i].name, &f);
        }
    }
    cli_say(c, "%d ok, %d to look at, %d at fault", counts[HEALTH_OK], counts[HEALTH_WARN],
            counts[HEALTH_FAIL]);
    return counts[HEALTH_FAIL] ? 1 : 0;
}

const command doctor_command = {
    .name = "doctor",
    .words = "",
    .summary = "check versions, sandbox, disk, clock, permissions, anchor; says what to do",
    .examples = "keel doctor\nkeel doctor --json",
    .run = doctor_run,
};
