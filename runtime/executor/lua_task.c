/* What the ctx functions are made of: paths, waiting, outcomes, and checks of their arguments. */
#include <math.h>
#include <string.h>

#include "lua_host.h"

/* PREFIX + N into t->path; false when it is longer than a path may be. */
static bool next_path(lua_task *t) {
    char digits[12];
    size_t at = sizeof digits;
    unsigned n = ++t->calls;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    size_t len = sizeof digits - at;
    if (t->prefix_len + len >= PATH_LIMIT) {
        return false;
    }
    memcpy(t->path, t->prefix, t->prefix_len);
    memcpy(t->path + t->prefix_len, digits + at, len);
    t->path_len = t->prefix_len + len;
    t->path[t->path_len] = 0;
    return true;
}

lua_task *lua_task_enter(lua_State *L, const char *what) {
    lua_host *h = lua_host_of(L);
    lua_task *t = h->current;
    if (!t) {
        luaL_error(L, "ctx.%s: no run is going on here", what);
    }
    if (h->walled || !lua_isyieldable(L)) {
        luaL_error(L,
                   "ctx.%s cannot be called here: the function of a ctx.step, a metamethod and a "
                   "file that is being required cannot wait",
                   what);
    }
    if (!next_path(t)) {
        luaL_error(L, "ctx.%s: ctx.all and ctx.any are nested too deep", what);
    }
    return t;
}

int lua_task_wait(lua_State *L, lua_task *t, task_state state, lua_KFunction k) {
    t->state = state;
    t->run->host->suspended = true;
    return lua_yieldk(L, 0, 0, k);
}

int lua_task_call(lua_State *L, lua_task *t, const char *kind, const char *name, size_t name_len,
                  lua_KFunction k) {
    lua_run *r = t->run;
    lua_host *h = r->host;
    run_call c = {kind, name, name_len, h->args.data, h->args.len, ""};
    run_call_digest(&c);
    lua_record *rec = r->replaying ? lua_replay_find(r, t->path, t->path_len) : NULL;
    if (rec) {
        lua_replay_matches(t, rec, &c); /* if not, the run is over and this never wakes */
    } else if (r->replaying) {
        run_call_put(&t->held, t->path, t->path_len,
                     &c); /* not before all that is recorded has been repeated */
    } else {
        keel_buf_clear(&h->body);
        run_call_put(&h->body, t->path, t->path_len, &c);
        executor_send(h->x, X_CALL, r->id, 0, h->body.data, h->body.len);
    }
    return lua_task_wait(L, t, TASK_CALL, k);
}

bool lua_task_outcome(lua_State *L, lua_task *t) {
    keel_json ok = run_outcome_ok(t->outcome, t->outcome_len);
    if (ok.data) {
        lua_decode(L, ok.data, ok.len);
        return true;
    }
    lua_pushnil(L);
    lua_decode_view(L, keel_json_get((keel_json){t->outcome, t->outcome_len}, "err"));
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "unknown");
        lua_setfield(L, -2, "code");
    }
    lua_mark_set(L, -1, MARK_ERROR);
    return false;
}

const char *lua_what(lua_State *L, int index) {
    static const char *const words[] = {
        [LUA_TNIL] = "nothing",
        [LUA_TBOOLEAN] = "a boolean",
        [LUA_TLIGHTUSERDATA] = "keel.null",
        [LUA_TNUMBER] = "a number",
        [LUA_TSTRING] = "a text",
        [LUA_TTABLE] = "a table",
        [LUA_TFUNCTION] = "a function",
        [LUA_TUSERDATA] = "a userdata",
        [LUA_TTHREAD] = "a coroutine",
    };
    int type = lua_type(L, index);
    return type < 0 ? words[LUA_TNIL] : words[type];
}

const char *lua_check_name(lua_State *L, int index, const char *what, size_t *len) {
    size_t n;
    lua_host *h = lua_host_of(L);
    if (lua_type(L, index) == LUA_TTABLE && index == 1) {
        luaL_error(L, "%s: call it with a dot, not with a colon", what);
    }
    if (lua_type(L, index) != LUA_TSTRING) {
        luaL_error(L, "%s: argument %d must be a text, and is %s", what, index, lua_what(L, index));
    }
    const char *s = lua_tolstring(L, index, &n);
    keel_buf_clear(&h->text);
    if (n < 1 || n > LUA_NAME_LIMIT || keel_json_quote(&h->text, s, n) || strlen(s) != n) {
        luaL_error(L, "%s: argument %d must have 1 to %d bytes of UTF-8 without a NUL", what, index,
                   LUA_NAME_LIMIT);
    }
    *len = n;
    return s;
}

static bool is_known(const char *name, const char *const *known) {
    for (; *known; known++) {
        if (!strcmp(name, *known)) {
            return true;
        }
    }
    return false;
}

void lua_check_options(lua_State *L, int index, const char *what, const char *const *known) {
    if (lua_isnoneornil(L, index)) {
        return;
    }
    if (!lua_istable(L, index)) {
        luaL_error(L, "%s: argument %d must be a table of options, and is %s", what, index,
                   lua_what(L, index));
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING || !is_known(lua_tostring(L, -1), known)) {
            lua_push_text(L, -1);
            luaL_error(L, "%s: there is no option '%s' (%s)", what, lua_tostring(L, -1),
                       !*known          ? "it takes none"
                       : what[1] == '.' ? "see the c table in sdk/README.md"
                                        : "see the ctx table in sdk/README.md");
        }
    }
}

static int64_t unit_us(const char **p) {
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"ms", 1000},      {"s", 1000000},     {"m", 60000000},
                 {"h", 3600000000}, {"d", 86400000000}, {"w", 604800000000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].name);
        if (!strncmp(*p, units[i].name, n)) {
            *p += n;
            return units[i].us;
        }
    }
    return 0;
}

/* "1h30m" in microseconds; -1 if it is none. */
static int64_t parse_duration(const char *p) {
    int64_t total = 0;
    if (!*p) {
        return -1;
    }
    while (*p) {
        int64_t n = 0;
        int digits = 0;
        for (; *p >= '0' && *p <= '9' && digits < 9; p++, digits++) {
            n = n * 10 + (*p - '0');
        }
        int64_t us = digits ? unit_us(&p) : 0;
        if (!us || n > (INT64_MAX / 4 - total) / us) {
            return -1;
        }
        total += n * us;
    }
    return total;
}

int64_t lua_check_duration(lua_State *L, int index, const char *what) {
    const double limit = 100.0 * 366 * 86400; /* seconds: nobody waits longer */
    int64_t us = -1;
    if (lua_type(L, index) == LUA_TNUMBER) {
        double s = lua_tonumber(L, index);
        us = s >= 0 && s <= limit ? (int64_t)llround(s * 1e6) : -1;
    } else if (lua_type(L, index) == LUA_TSTRING) {
        us = parse_duration(lua_tostring(L, index));
    }
    if (us < 0 || us > (int64_t)(limit * 1e6)) {
        luaL_error(L,
                   "%s: a duration is seconds as a number, or a text such as \"90s\", \"1h30m\", "
                   "\"7d\" (ms s m h d w), at most 100 years",
                   what);
    }
    return us;
}
