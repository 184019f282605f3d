/* A stand-in for keel-executor: X_CONFIG's "mode" says how it behaves or misbehaves. It knows the
 * frames and the inherited descriptors, and nothing else. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "keel/json.h"
#include "protocol.h"

extern char **environ;

static frame_channel *channel;
static executor_page *page;
static char mode[32];
static keel_buf files; /* "name=bytes " of each X_FILE */
static keel_buf config;

static void write_out(void) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(channel, &data)) > 0) {
        ssize_t n = send(EXECUTOR_FD_FRAMES, data, len, MSG_NOSIGNAL);
        if (n < 0) {
            _exit(9);
        }
        frame_channel_sent(channel, (size_t)n);
    }
}

static void note(const char *text) {
    frame_channel_send(channel, X_NOTE, 0, 0, 0, text, strlen(text));
    write_out();
}

static void send_raw(const void *bytes, size_t len) {
    if (send(EXECUTOR_FD_FRAMES, bytes, len, MSG_NOSIGNAL) < 0) {
        _exit(9);
    }
}

/* What it was given: descriptors, environment, session, folder, files. */
static void inspect(void) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_puts(&b, "fds");
    for (int fd = 0; fd < 256; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            keel_buf_printf(&b, " %d", fd);
        }
    }
    keel_buf_puts(&b, "; env");
    for (char **e = environ; *e; e++) {
        keel_buf_printf(&b, " %s", *e);
    }
    char cwd[256];
    struct stat zero;
    struct stat null;
    bool quiet =
        fstat(0, &zero) == 0 && stat("/dev/null", &null) == 0 && zero.st_rdev == null.st_rdev;
    keel_buf_printf(&b, "; leader %d; cwd %s; stdin %s; files %s; config %s",
                    getsid(0) == getpid() && getpgrp() == getpid(),
                    getcwd(cwd, sizeof cwd) ? cwd : "?", quiet ? "null" : "other",
                    files.data ? files.data : "", config.data);
    note(b.data);
    keel_buf_free(&b);
}

static void flood(void) {
    for (int i = 0; i < 100000; i++) {
        frame_channel_send(channel, X_NOTE, 0, (uint64_t)i, 0, "flood", 5);
        if (i % 64 == 63) {
            write_out();
        }
    }
    write_out();
    _exit(0);
}

static void drip(void) {
    frame_channel_send(channel, X_NOTE, 0, 0, 0, "drip by drip", 12);
    const char *data;
    size_t len;
    while ((len = frame_channel_output(channel, &data)) > 0) {
        send_raw(data, 1);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        frame_channel_sent(channel, 1);
    }
}

static void huge_length(void) {
    unsigned char header[FRAME_HEADER] = {0xff, 0xff, 0xff, 0xff, X_NOTE};
    send_raw(header, sizeof header);
}

static void garbage(void) {
    unsigned char bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 197 + 91);
    }
    send_raw(bytes, sizeof bytes);
    pause();
}

static void wrong_type(void) {
    frame_channel_send(channel, X_START, 0, 1, 0, "{}", 2);
    frame_channel_send(channel, X_NOTE, 0, 0, 0, "after", 5);
    write_out();
    pause();
}

static void stop_running(void) {
    atomic_store(&page->run, 42);
    atomic_store(&page->ticks, 7);
    note("stopping");
    raise(SIGSTOP);
}

static void burn(void) {
    atomic_store(&page->run, 43);
    atomic_fetch_add(&page->ticks, 1);
    note("burning");
    for (volatile unsigned i = 0;; i++) {
    }
}

static void close_stream(void) {
    close(EXECUTOR_FD_FRAMES);
    pause();
}

static void grandchild(void) {
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_IGN);
        for (;;) {
            pause();
        }
    }
    char text[32];
    snprintf(text, sizeof text, "%d", (int)pid);
    note(text);
    if (strcmp(mode, "orphan") == 0) {
        _exit(0);
    }
}

static void cut_page(void) {
    note(ftruncate(EXECUTOR_FD_PAGE, 0) == 0 ? "cut" : "sealed");
}

static void die_by_segv(void) {
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void exit_three(void) {
    _exit(3);
}

static void die_by_sys(void) {
    raise(SIGSYS);
}

static void exit_memory(void) {
    _exit(EXECUTOR_OVER_MEMORY);
}

/* Says whether the .so's memfd can be changed, and what it starts with. */
static void native(void) {
    char bytes[9] = "";
    bool same = pread(EXECUTOR_FD_NATIVE, bytes, 8, 0) == 8;
    bool sealed =
        pwrite(EXECUTOR_FD_NATIVE, "x", 1, 0) < 0 && ftruncate(EXECUTOR_FD_NATIVE, 0) != 0;
    char text[64];
    snprintf(text, sizeof text, "%s %s", same ? bytes : "?", sealed ? "sealed" : "open");
    note(text);
}

static void grants(void) {
    int fd = openat(EXECUTOR_FD_GRANTS, "inside", O_RDONLY | O_CLOEXEC);
    note(fd >= 0 ? "granted" : "nothing there");
}

static const struct {
    const char *mode;
    void (*act)(void);
} on_load[] = {
    {"inspect", inspect},    {"flood", flood},        {"drip", drip},         {"huge", huge_length},
    {"garbage", garbage},    {"type", wrong_type},    {"stop", stop_running}, {"burn", burn},
    {"close", close_stream}, {"parent", grandchild},  {"orphan", grandchild}, {"cut", cut_page},
    {"segv", die_by_segv},   {"three", exit_three},   {"native", native},     {"grants", grants},
    {"sys", die_by_sys},     {"memory", exit_memory},
};

static void load(void) {
    frame_channel_send(channel, X_READY, 0, 0, 0, "{}", 2);
    write_out();
    for (size_t i = 0; i < sizeof on_load / sizeof *on_load; i++) {
        if (strcmp(on_load[i].mode, mode) == 0) {
            on_load[i].act();
        }
    }
}

static void answer(const frame *f) {
    if (strcmp(mode, "mute") == 0) {
        _exit(0);
    }
    frame_channel_send(channel, X_REPLY, f->flags, f->run, f->ref, f->body, f->len);
    if (strcmp(mode, "last word") == 0) {
        write_out();
        raise(SIGKILL);
    }
}

static void on_frame(void *ctx, const frame *f) {
    (void)ctx;
    frame_reader r = frame_read(f);
    const char *name;
    size_t len;
    switch (f->type) {
    case X_CONFIG:
        keel_buf_append(&config, f->body, f->len);
        keel_json_copy(keel_json_path(keel_json_view(f->body, f->len), "config.mode"), mode,
                       sizeof mode);
        break;
    case X_FILE:
        if (frame_get(&r, &name, &len) == 0) {
            keel_buf_printf(&files, "%.*s=%zu ", (int)len, name, (size_t)(r.end - r.p));
        }
        break;
    case X_LOAD:
        load();
        break;
    case X_VERB:
        answer(f);
        break;
    case X_STOP:
        write_out();
        _exit(0);
    default:
        _exit(8);
    }
}

int main(void) {
    channel = frame_channel_create();
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, EXECUTOR_FD_PAGE, 0);
    if (page == MAP_FAILED) {
        return 7;
    }
    char buf[65536];
    for (;;) {
        ssize_t n = recv(EXECUTOR_FD_FRAMES, buf, sizeof buf, 0);
        if (n <= 0) {
            return 0;
        }
        diag d = {0};
        if (frame_channel_feed(channel, buf, (size_t)n, on_frame, NULL, &d) != 0) {
            return 6;
        }
        write_out();
    }
}
