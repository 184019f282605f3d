#include "ask.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ask_possible(const cli *c) {
    return !c->no_input && isatty(0) == 1 && c->err.terminal;
}

static char *trimmed(char *line) {
    size_t len = strlen(line);
    while (len && strchr(" \t\r\n", line[len - 1])) {
        line[--len] = 0;
    }
    size_t lead = strspn(line, " \t");
    memmove(line, line + lead, len - lead + 1);
    return line;
}

char *ask_text(const cli *c, const char *help, const char *question, const char *fallback) {
    char *line = NULL;
    size_t room = 0;
    if (!ask_possible(c)) {
        return keel_strdup(fallback);
    }
    fprintf(stderr, "\n%s\n%s%s%s%s: ", help, question, fallback[0] ? " [" : "", fallback,
            fallback[0] ? "]" : "");
    if (getline(&line, &room, stdin) < 0) {
        free(line);
        fputc('\n', stderr);
        return NULL;
    }
    if (!*trimmed(line)) {
        free(line);
        return keel_strdup(fallback);
    }
    return line;
}
