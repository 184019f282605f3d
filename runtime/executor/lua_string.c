/* string.format without addresses: %s of a table says "table", %p is refused. */
#include <string.h>

#include "lua_host.h"

/* The letter of the conversion that begins behind a '%'; NULL at the end of the format. */
static const char *conversion_letter(const char *p, const char *end) {
    p += strspn(p, "-+ #0");
    p += strspn(p, "0123456789.");
    return p < end ? p : NULL;
}

int lua_string_format(lua_State *L) {
    size_t len;
    const char *p = luaL_checklstring(L, 1, &len), *end = p + len;
    int top = lua_gettop(L);
    int arg = 1;
    while ((p = memchr(p, '%', (size_t)(end - p)))) {
        if (++p < end && *p == '%') {
            p++;
            continue;
        }
        p = conversion_letter(p, end);
        if (!p) {
            break; /* Lua's own function will say what is wrong */
        }
        arg++;
        if (*p == 'p') {
            return luaL_error(L,
                              "string.format: %%p is not available: an address differs between a "
                              "run and its replay");
        }
        if (*p == 's' && arg <= top && lua_type(L, arg) != LUA_TSTRING) {
            lua_push_text(L, arg);
            lua_replace(L, arg);
        }
        p++;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, top, LUA_MULTRET);
    return lua_gettop(L);
}
