/* SQLite's calls, handed on to the system's VFS and counted. */
#include "power.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint.h"
#include "fsio.h"
#include "keel/buf.h"

typedef struct power_file {
    sqlite3_file base;
    char path[512]; /* "": temporary, and no part of the disk */
    sqlite3_file *real;
} power_file;

static struct {
    pthread_mutex_t lock;
    sqlite3_vfs *system;
    sqlite3_vfs vfs;
    long operations, strike_at;
    bool telling;
    keel_buf told; /* a letter for each operation */
    power_mode mode;
    uint64_t seed;
} power = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const modes[POWER_MODES] = {"lose", "prefix", "torn"};

const char *power_mode_name(power_mode m) {
    return modes[m];
}

static power_file *file_of(sqlite3_file *f) {
    return (power_file *)(void *)f;
}

static sqlite3_file *real(sqlite3_file *f) {
    return file_of(f)->real;
}

/* With the lock. It does not come back from the operation that is struck. */
static void count(bool sync) {
    if (power.telling) {
        char phase = !failpoint_hits("client.answers") ? 's'
                     : !failpoint_hits("end.begins")   ? 'w'
                                                       : 'e';
        keel_buf_putc(&power.told, sync ? (char)(phase - 'a' + 'A') : phase);
    }
    if (++power.operations == power.strike_at) {
        power_cut(power.mode, power.seed);
        kill(getpid(), SIGKILL);
        pause();
    }
}

static bool enter(const power_file *f, bool sync) {
    pthread_mutex_lock(&power.lock);
    if (f->path[0]) {
        count(sync);
    }
    return f->path[0] != 0;
}

static int leave(int rc) {
    pthread_mutex_unlock(&power.lock);
    return rc;
}

/* ---- what changes something ---- */

/* What stands there is read through the file that is open: a descriptor of our own, closed again,
 * would take SQLite's locks with it. */
static void note(power_file *f, power_kind kind, size_t at, const void *bytes, size_t len) {
    sqlite3_int64 size = 0;
    f->real->pMethods->xFileSize(f->real, &size);
    power_op op = {.kind = kind, .path = f->path, .at = at, .len = len, .size = (size_t)size};
    size_t rest = at < op.size ? op.size - at : 0;
    op.had = kind == POWER_WRITE && len < rest ? len : rest;
    op.bytes = kind == POWER_WRITE ? keel_memdup(bytes, len) : NULL;
    op.before = keel_alloc(op.had + 1);
    f->real->pMethods->xRead(f->real, op.before, (int)op.had, (sqlite3_int64)at);
    power_note(&op);
}

static int file_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at) {
    if (enter(file_of(f), false)) {
        note(file_of(f), POWER_WRITE, (size_t)at, from, (size_t)len);
    }
    return leave(real(f)->pMethods->xWrite(real(f), from, len, at));
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    if (enter(file_of(f), false)) {
        note(file_of(f), POWER_TRUNCATE, (size_t)size, NULL, 0);
    }
    return leave(real(f)->pMethods->xTruncate(real(f), size));
}

static int file_sync(sqlite3_file *f, int flags) {
    if (enter(file_of(f), true)) {
        power_synced(file_of(f)->path);
    }
    return leave(real(f)->pMethods->xSync(real(f), flags));
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    pthread_mutex_lock(&power.lock);
    keel_buf all = KEEL_BUF_INIT;
    if (fsio_read(name, SIZE_MAX / 2, &all, NULL) == 0) {
        count(false);
        power_op op = {.kind = POWER_REMOVE, .path = name, .had = all.len, .size = all.len};
        op.before = keel_memdup(all.data ? all.data : "", all.len);
        power_note(&op);
        if (sync_folder) {
            power_synced(name);
        }
    }
    keel_buf_free(&all);
    return leave(power.system->xDelete(power.system, name, sync_folder));
}

/* ---- what does not ---- */

static int file_close(sqlite3_file *f) {
    int rc = real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
    free(file_of(f)->real);
    return rc;
}

static int file_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, len, at);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out) {
    return real(f)->pMethods->xFileSize(real(f), out);
}

static int file_lock(sqlite3_file *f, int lock) {
    return real(f)->pMethods->xLock(real(f), lock);
}

static int file_unlock(sqlite3_file *f, int lock) {
    return real(f)->pMethods->xUnlock(real(f), lock);
}

static int file_check_reserved(sqlite3_file *f, int *out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int file_sector_size(sqlite3_file *f) {
    return real(f)->pMethods->xSectorSize(real(f));
}

static int file_characteristics(sqlite3_file *f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out) {
    return real(f)->pMethods->xShmMap(real(f), region, size, extend, out);
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void shm_barrier(sqlite3_file *f) {
    real(f)->pMethods->xShmBarrier(real(f));
}

static int shm_unmap(sqlite3_file *f, int delete) {
    return real(f)->pMethods->xShmUnmap(real(f), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
                    int *out_flags) {
    (void)vfs;
    power_file *p = file_of(f);
    memset(p, 0, sizeof *p);
    if (name && strlen(name) < sizeof p->path) {
        snprintf(p->path, sizeof p->path, "%s", name);
    }
    p->real = calloc(1, (size_t)power.system->szOsFile);
    if (!p->real) {
        return SQLITE_NOMEM;
    }
    pthread_mutex_lock(&power.lock);
    if (p->path[0] && (flags & SQLITE_OPEN_CREATE) && access(name, F_OK) != 0) {
        count(false);
        power_note(&(power_op){.kind = POWER_CREATE, .path = name});
    }
    int rc = leave(power.system->xOpen(power.system, name, p->real, flags, out_flags));
    if (rc != SQLITE_OK) {
        free(p->real);
        return rc;
    }
    p->base.pMethods = &methods;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    return power.system->xAccess(power.system, name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    return power.system->xFullPathname(power.system, name, size, out);
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    return power.system->xRandomness(power.system, size, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us) {
    (void)vfs;
    return power.system->xSleep(power.system, us);
}

static int vfs_time(sqlite3_vfs *vfs, double *out) {
    (void)vfs;
    return power.system->xCurrentTime(power.system, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    return power.system->xGetLastError(power.system, size, out);
}

/* ---- the start and the end ---- */

static void tell_count(void) {
    const char *path = getenv("KEEL_POWER_COUNT");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (f) {
        fprintf(f, "%s\n", power.told.data ? power.told.data : "");
        fclose(f);
    }
}

static void read_plan(const char *text) {
    char *end;
    power.strike_at = strtol(text, &end, 10);
    for (int m = 0; *end == ':' && m < POWER_MODES; m++) {
        size_t len = strlen(modes[m]);
        if (!strncmp(end + 1, modes[m], len)) {
            power.mode = (power_mode)m;
            power.seed = end[1 + len] == ':' ? strtoull(end + 2 + len, NULL, 10) : 0;
        }
    }
}

/* Before main: whoever opens a database then finds it there. */
__attribute__((constructor)) static void start(void) {
    const char *plan = getenv("KEEL_POWER");
    if (!plan || sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
        sqlite3_initialize() != SQLITE_OK) {
        return;
    }
    read_plan(plan);
    power.telling = getenv("KEEL_POWER_COUNT") != NULL;
    power.system = sqlite3_vfs_find(NULL);
    power.vfs = (sqlite3_vfs){.iVersion = 1,
                              .szOsFile = sizeof(power_file),
                              .mxPathname = power.system->mxPathname,
                              .zName = "power",
                              .xOpen = vfs_open,
                              .xDelete = vfs_delete,
                              .xAccess = vfs_access,
                              .xFullPathname = vfs_full_path,
                              .xRandomness = vfs_randomness,
                              .xSleep = vfs_sleep,
                              .xCurrentTime = vfs_time,
                              .xGetLastError = vfs_last_error};
    sqlite3_vfs_register(&power.vfs, 1);
    atexit(tell_count);
}
