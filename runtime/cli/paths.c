#include "paths.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keel/buf.h"

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* PREFIX of PREFIX/BINDIR/keel, or the prefix that was configured. */
static char *prefix(void) {
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    size_t tail = strlen("/" KEEL_BINDIR "/keel");
    if (n > 0 && (size_t)n > tail) {
        exe[n] = 0;
        char *at = exe + n - tail;
        if (strcmp(at, "/" KEEL_BINDIR "/keel") == 0) {
            *at = 0;
            return keel_strdup(exe);
        }
    }
    return keel_strdup(KEEL_PREFIX);
}

static char *find(const char *variable, const char *folder, const char *name) {
    const char *given = getenv(variable);
    if (given && *given) {
        return join(given, name);
    }
    if (folder[0] == '/') {
        return join(folder, name);
    }
    char *base = prefix();
    char *dir = join(base, folder);
    char *path = join(dir, name);
    free(base);
    free(dir);
    return path;
}

char *path_program(const char *name) {
    return find("KEEL_LIBEXEC", KEEL_LIBEXECDIR, name);
}

char *path_share(const char *name) {
    return find("KEEL_SHARE", KEEL_DATADIR, name);
}

char *path_pkgconfig(void) {
    return find("KEEL_PKGCONFIG", KEEL_LIBDIR, "pkgconfig");
}

char *path_schema_url(void) {
    char *path = path_share("schema");
    keel_buf url = KEEL_BUF_INIT;
    keel_buf_printf(&url, "file://%s", path);
    free(path);
    return url.data;
}
