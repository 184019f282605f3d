#include <stdbool.h>
#include <string.h>

#include "yamlint.h"

static const struct {
    const char *problem; /* part of libyaml's text */
    bool at_context;     /* the place to show is where the construct began */
    const char *what, *next;
} problems[] = {
    {"tab character", false, "a tab stands where YAML wants spaces", "Indent with spaces."},
    {"found unexpected end of stream", true, "the quote that opens here is never closed",
     "Add the closing quote."},
    {"found unexpected document indicator", true, "the quote that opens here is never closed",
     "Add the closing quote."},
    {"expected ',' or ']'", true, "the list that opens here with [ is not closed or lacks a comma",
     "Close it with ] and put commas between its items."},
    {"expected ',' or '}'", true, "the map that opens here with { is not closed or lacks a comma",
     "Close it with } and put commas between its entries."},
    {"mapping values are not allowed", false, "a colon stands where no key can be",
     "Quote text that holds a colon, or correct the indentation."},
    {"could not find expected ':'", true, "a key without its colon", "Write `key: value`."},
    {"did not find expected key", false, "this does not line up with the keys above it",
     "Indent it like the keys of the same map."},
    {"did not find expected '-'", false, "this does not line up with the list above it",
     "Indent it like the other items, each with a dash."},
    {"block sequence entries are not allowed", false, "a dash begins a list where none can be",
     "Put the list on its own lines below the key."},
    {"node content", false, "a value is missing here", "Write a value, or close what was opened."},
    {"escape", true, "an escape within double quotes that YAML does not know",
     "Use single quotes, or double the backslash."},
    {"directive", true, "a line that begins with % is a directive, which is not accepted here",
     "Delete it."},
    {"expected <document start>", false, "text stands where the document has already ended",
     "Keep one document in a file, without lines such as `...`."},
    {"tag", false, "a tag (!) is not accepted here",
     "Quote text that begins with an exclamation mark."},
    {"anchor", false, "an anchor or alias is not accepted here",
     "Quote text that begins with & or *."},
    {"expected alphabetic or numeric", true, "an anchor or alias is not accepted here",
     "Quote text that begins with & or *, such as \"*.*.write\"."},
    {"alias", false, "an anchor or alias is not accepted here",
     "Quote text that begins with & or *."},
};

static int refuse(const char *file, yaml_mark_t at, const char *what, const char *next, diag *d) {
    diag_at(d, DIAG_USAGE, file, (int)at.line + 1, (int)at.column + 1, "%s", what);
    diag_next(d, "%s", next);
    return DIAG_USAGE;
}

static int bad_start(const yaml_parser_t *parser, const char *file, diag *d) {
    if (parser->unread && *parser->buffer.pointer == '\t') {
        return refuse(file, parser->problem_mark, problems[0].what, problems[0].next, d);
    }
    return refuse(file, parser->problem_mark, "a character that cannot begin a value",
                  "Quote text that begins with @, ` or %.", d);
}

int yaml_problem(const yaml_parser_t *parser, const char *file, diag *d) {
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    if (strstr(problem, "cannot start any token")) {
        return bad_start(parser, file, d);
    }
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        if (strstr(problem, problems[i].problem)) {
            bool context = problems[i].at_context && parser->context;
            return refuse(file, context ? parser->context_mark : parser->problem_mark,
                          problems[i].what, problems[i].next, d);
        }
    }
    if (parser->error == YAML_MEMORY_ERROR) {
        diag_set(d, DIAG_FAILED, "%s cannot be read: the memory ran out", file);
        return diag_next(d, "Free some memory, and try again.");
    }
    diag_at(d, DIAG_USAGE, file, (int)parser->problem_mark.line + 1,
            (int)parser->problem_mark.column + 1, "YAML cannot be read here: %s", problem);
    diag_next(d, "Look at this line and the one before it.");
    return DIAG_USAGE;
}
