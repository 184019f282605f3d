#include "fs_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor_world.h"

char *in(const world *w, const char *path) {
    static char text[2][600];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%s/%s", w->root, path);
    return text[turn];
}

void put(const world *w, const char *path, const char *text) {
    FILE *f = fopen(in(w, path), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

void expect_content(const world *w, const char *path, const char *text) {
    char got[100] = "";
    FILE *f = fopen(in(w, path), "r");
    assert_non_null(f);
    assert_true(fread(got, 1, sizeof got - 1, f) <= sizeof got);
    fclose(f);
    assert_string_equal(got, text);
}

bool there(const world *w, const char *path) {
    struct stat st;
    return lstat(in(w, path), &st) == 0;
}

int fs_world_up(void **state) {
    static const char *const names[] = {"grant", "other", "ro"};
    static const char *const paths[] = {"data", "other", "ro"};
    world *w = calloc(1, sizeof *w);
    w->root = world_folder();
    for (size_t i = 0; i < 3; i++) {
        mkdir(in(w, names[i]), 0700);
        w->grants[i] = (executor_grant){.fd = open(in(w, names[i]), O_PATH | O_DIRECTORY),
                                        .writable = i != 2,
                                        .path = (char *)(uintptr_t)paths[i]};
    }
    put(w, "secret", "secret");
    put(w, "grant/a.txt", "0123456789");
    put(w, "ro/r.txt", "read me");
    mkdir(in(w, "grant/sub"), 0700);
    put(w, "grant/sub/b.txt", "b");
    symlink("../secret", in(w, "grant/link"));
    symlink("..", in(w, "grant/up"));
    symlink("a.txt", in(w, "grant/inner"));
    mkfifo(in(w, "grant/fifo"), 0600);
    w->f = fs_create(w->grants, 3);
    *state = w;
    return 0;
}

int fs_world_down(void **state) {
    world *w = *state;
    fs_destroy(w->f);
    for (size_t i = 0; i < 3; i++) {
        close(w->grants[i].fd);
    }
    world_remove(w->root);
    free(w);
    return 0;
}

size_t count_in(world *w, const char *path) {
    fs_listing l;
    assert_int_equal(fs_list(w->f, "data", path, &l), KEEL_OK);
    size_t n = l.count;
    fs_listing_free(&l);
    return n;
}
