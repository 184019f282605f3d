#include "secret_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS    32
#define LOOK_MS 20 /* how often an end is looked for that does not show on the pipe */

/* What `pass`, gpg and a keyring need of the caller's environment. */
static const char *const handed_on[] = {
    "HOME=",
    "PATH=",
    "USER=",
    "GNUPGHOME=",
    "PASSWORD_STORE_DIR=",
    "XDG_RUNTIME_DIR=",
    "DBUS_SESSION_BUS_ADDRESS=",
    "LANG=",
};
#define HANDED_ON (sizeof handed_on / sizeof *handed_on)

static void pick_environment(char *out[HANDED_ON + 1]) {
    size_t n = 0;
    for (size_t i = 0; i < HANDED_ON; i++) {
        for (char **e = environ; *e; e++) {
            if (strncmp(*e, handed_on[i], strlen(handed_on[i])) == 0) {
                out[n++] = *e;
                break;
            }
        }
    }
    out[n] = NULL;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wrong(diag *d, const char *name, const char *program, const char *what) {
    diag_set(d, DIAG_FAILED, "The command of the secret `%s` (%s) %s.", name, program, what);
    return diag_next(d, "Run it yourself to see what it says; it stands in keel.yaml under "
                        "`secrets:`.");
}

/* Its own process group; nothing of ours but the pipe; nothing to read; stderr may quote secrets. */
static int start(pid_t *pid, char *const *argv, int output) {
    char *environment[HANDED_ON + 1];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t all;
    sigset_t none;
    pick_environment(environment);
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_init(&how);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawnp(pid, argv[0], &files, &how, argv, environment);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Whether it has ended; *status as waitpid has it, -1 when somebody else has asked for it. */
static bool ended(pid_t pid, int *status) {
    pid_t rc = waitpid(pid, status, WNOHANG);
    if (rc < 0 && errno != EINTR) {
        *status = -1;
    }
    return rc == pid || (rc < 0 && errno != EINTR);
}

/* A child of the command's that lives on, such as gpg-agent, may keep the pipe open: its end counts,
 * not the pipe's. Returns NULL, or what is to be told. */
static const char *collect(pid_t pid, int fd, char *room, size_t *len, int64_t limit_ms,
                           int *status) {
    int64_t deadline = now_ms() + limit_ms;
    bool open = true;
    for (;;) {
        bool over = ended(pid, status);
        int rc = open ? secret_fill(fd, room, len) : 1;
        open = rc == 0;
        if (rc == 1 && *len == SECRET_ROOM) {
            return "gave more than 16384 bytes";
        }
        if (rc < 0) {
            return "could not be read";
        }
        if (over) {
            return NULL;
        }
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            return "took too long and was ended";
        }
        struct pollfd p = {open ? fd : -1, POLLIN, 0};
        poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS);
    }
}

static const char *run(char *const *argv, char *room, size_t *len, int64_t limit_ms, int *status) {
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return "could not be started: too many files are open";
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* only our end: they are two descriptions */
    int error = start(&pid, argv, ends[1]);
    close(ends[1]);
    const char *what = error ? "could not be started" : NULL;
    if (error == ENOENT) {
        what = "could not be started: there is no such program";
    }
    if (!error) {
        what = collect(pid, ends[0], room, len, limit_ms, status);
        if (what) {
            kill(-pid, SIGKILL);
            waitpid(pid, status, 0);
        }
    }
    close(ends[0]);
    return what;
}

static void free_words(char **argv) {
    for (size_t i = 0; argv[i]; i++) {
        free(argv[i]);
    }
}

static bool words_of(keel_json list, char *argv[ARGS + 1]) {
    size_t n = 0;
    bool good = keel_json_count(list) <= ARGS;
    for (keel_json_iter it = keel_json_each(list); good && keel_json_next(&it);) {
        keel_buf word = KEEL_BUF_INIT;
        keel_buf_puts(&word, "");
        good = keel_json_string(it.value, &word) && strlen(word.data) == word.len;
        argv[n++] = word.data;
    }
    argv[n] = NULL;
    return good && n && argv[0][0];
}

int secret_from_command(secret *out, const char *name, keel_json list, int64_t limit_ms, diag *d) {
    char *argv[ARGS + 1] = {NULL};
    if (!words_of(list, argv)) {
        free_words(argv);
        diag_set(d, DIAG_USAGE, "The command of the secret `%s` is no list of 1 to %d words.", name,
                 ARGS);
        return diag_next(d, "Write it as `command: [pass, show, %s]`.", name);
    }
    char *room = secret_memory(SECRET_ROOM);
    size_t len = 0;
    int status = 0;
    char text[64];
    const char *what = run(argv, room, &len, limit_ms, &status);
    if (!what && status != 0) {
        if (status != -1 && WIFEXITED(status)) {
            snprintf(text, sizeof text, "ended with status %d", WEXITSTATUS(status));
        } else {
            snprintf(text, sizeof text, "was ended by signal %d",
                     status == -1 ? 0 : WTERMSIG(status));
        }
        what = text;
    }
    if (what) {
        secret_memory_free(room);
        wrong(d, name, argv[0], what);
        free_words(argv);
        return DIAG_FAILED;
    }
    free_words(argv);
    return secret_take(out, room, len, "what the command gave for", name, d);
}
