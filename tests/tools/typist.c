/* typist [-t SECONDS] [PROMPT LINE]... -- COMMAND [ARG...]
 *
 * Runs COMMAND on a terminal of its own and types for a person: when the text PROMPT has come, LINE
 * and Enter are sent; then the next pair. What the command prints is passed on to standard output.
 * Ends with the command's status (128 + signal), 124 after SECONDS (60) without its end, 125 when the
 * command could not be run or ended before every prompt had come. Echo is the terminal's affair: a
 * passphrase that the command hides stays hidden. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX 65536

typedef struct typist {
    char **pairs;        /* prompt, line, ... */
    int count;           /* pairs left */
    int fd;              /* the terminal's other end */
    char seen[SEEN_MAX]; /* since the last prompt */
    size_t len;
} typist;

static int usage(void) {
    fputs("usage: typist [-t SECONDS] [PROMPT LINE]... -- COMMAND [ARG...]\n", stderr);
    return 125;
}

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The child's end: no \r before \n, and a window of usual size. */
static int open_terminal(const char *name) {
    int fd = open(name, O_RDWR);
    struct termios mode;
    struct winsize size = {.ws_row = 50, .ws_col = 100};
    if (fd < 0 || tcgetattr(fd, &mode) != 0) {
        return -1;
    }
    mode.c_oflag &= ~(tcflag_t)ONLCR;
    tcsetattr(fd, TCSANOW, &mode);
    ioctl(fd, TIOCSWINSZ, &size);
    ioctl(fd, TIOCSCTTY, 0);
    return fd;
}

static _Noreturn void run_child(const char *terminal, char **command) {
    setsid();
    int fd = open_terminal(terminal);
    if (fd >= 0 && dup2(fd, 0) == 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2) {
        if (fd > 2) {
            close(fd);
        }
        execvp(command[0], command);
    }
    fprintf(stderr, "typist: %s: %s\n", command[0], strerror(errno));
    _exit(125);
}

static int write_all(int fd, const char *data, size_t len) {
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Types a line for each prompt that stands in what was seen. */
static void answer(typist *t) {
    while (t->count) {
        char *hit = memmem(t->seen, t->len, t->pairs[0], strlen(t->pairs[0]));
        if (!hit) {
            return;
        }
        size_t used = (size_t)(hit - t->seen) + strlen(t->pairs[0]);
        memmove(t->seen, t->seen + used, t->len - used);
        t->len -= used;
        write_all(t->fd, t->pairs[1], strlen(t->pairs[1]));
        write_all(t->fd, "\n", 1);
        t->pairs += 2;
        t->count--;
    }
}

static void remember(typist *t, const char *data, size_t len) {
    if (t->len + len > SEEN_MAX) {
        size_t drop = t->len + len - SEEN_MAX;
        drop = drop > t->len ? t->len : drop;
        memmove(t->seen, t->seen + drop, t->len - drop);
        t->len -= drop;
    }
    memcpy(t->seen + t->len, data, len);
    t->len += len;
}

/* 0 when the terminal was closed, 1 when the time is over. */
static int converse(typist *t, long deadline) {
    char bytes[4096];
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    for (;;) {
        long left = deadline - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return 1;
        }
        ssize_t n = read(t->fd, bytes, sizeof bytes);
        if (n <= 0) { /* EIO: the last of the command's processes has let go of the terminal */
            return 0;
        }
        write_all(1, bytes, (size_t)n);
        remember(t, bytes, (size_t)n);
        answer(t);
    }
}

static int wait_child(pid_t pid, const typist *t, int late) {
    int status = 0;
    if (late) {
        fputs("typist: the time is over\n", stderr);
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (late) {
        return 124;
    }
    int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (t->count && code == 0) {
        fprintf(stderr, "typist: never asked: %s\n", t->pairs[0]);
        return 125;
    }
    return code;
}

int main(int argc, char **argv) {
    static typist t;
    long seconds = 60;
    int at = 1;
    if (at + 1 < argc && strcmp(argv[at], "-t") == 0) {
        seconds = strtol(argv[at + 1], NULL, 10);
        at += 2;
    }
    t.pairs = argv + at;
    while (at + 1 < argc && strcmp(argv[at], "--") != 0) {
        at += 2;
        t.count++;
    }
    if (at + 1 >= argc || strcmp(argv[at], "--") != 0 || seconds <= 0) {
        return usage();
    }
    t.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (t.fd < 0 || grantpt(t.fd) != 0 || unlockpt(t.fd) != 0) {
        perror("typist: no terminal");
        return 125;
    }
    char name[128];
    if (ptsname_r(t.fd, name, sizeof name) != 0) {
        perror("typist: no terminal");
        return 125;
    }
    pid_t pid = fork();
    if (pid == 0) {
        run_child(name, argv + at + 1);
    }
    if (pid < 0) {
        perror("typist: no process");
        return 125;
    }
    return wait_child(pid, &t, converse(&t, now_ms() + seconds * 1000));
}
