/* What can be said of a notifier without using it. */
#include "notify_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_OF_ALL "/usr/local/bin:/usr/bin:/bin"

bool notify_find(const char *name, keel_buf *out) {
    const char *at = getenv("PATH");
    for (at = at ? at : PATH_OF_ALL; *at; at += strspn(at, ":")) {
        size_t len = strcspn(at, ":");
        keel_buf_clear(out);
        keel_buf_printf(out, "%.*s/%s", (int)len, at, name);
        if (out->data[0] == '/' && access(out->data, X_OK) == 0) {
            return true;
        }
        at += len;
    }
    return false;
}

bool notify_wrong(const workspace_notifier *t, keel_buf *why) {
    struct stat st;
    if (t->way == NOTIFY_DESKTOP) {
        keel_buf program = KEEL_BUF_INIT;
        bool found = notify_find("notify-send", &program);
        keel_buf_free(&program);
        if (!found) {
            keel_buf_puts(why, "there is no notify-send in PATH (Debian: apt install "
                               "libnotify-bin)");
        }
        return !found;
    }
    const char *program = t->argv[0];
    const char *what = stat(program, &st) != 0 ? strerror(errno)
                       : !S_ISREG(st.st_mode)  ? "it is no file"
                       : st.st_mode & S_IWOTH  ? "everybody may write to it (chmod o-w)"
                       : access(program, X_OK) ? "it may not be run (chmod +x)"
                                               : NULL;
    if (what) {
        keel_buf_printf(why, "%s cannot be started: %s", program, what);
    }
    return what != NULL;
}
