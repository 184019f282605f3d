/* What keel.lua is lent: keel.json, keel.base64, keel.url and keel.digest. */
#include <string.h>

#include <sodium.h>

#include "digest.h"
#include "lua_host.h"

#define KEEP (1u << 20) /* a buffer that grew above is given back */

static void forget(keel_buf *b) {
    if (b->cap > KEEP) {
        keel_buf_free(b);
    }
}

static void freeze(lua_State *L, const char *name) {
    lua_freeze(L, name, "libraries cannot be changed");
}

/* ---- JSON ---- */

/* The code is unknown and not invalid: of what a service answered to a write, this says nothing. */
int lua_give_json(lua_State *L, const char *text, size_t len, const char *what) {
    lua_host *h = lua_host_of(L);
    keel_json_error e;
    keel_buf_clear(&h->args);
    if (keel_json_canonical(&h->args, text, len, &e) < 0) {
        char why[300];
        snprintf(why, sizeof why, "%s is no JSON, at line %d, column %d: %s", what, e.line,
                 e.column, e.message);
        return lua_give_failure(L, KEEL_E_UNKNOWN, why);
    }
    lua_decode(L, h->args.data, h->args.len);
    forget(&h->args);
    forget(&h->text);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushlightuserdata(L, NULL);
    }
    return 1;
}

static int json_decode(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    return lua_give_json(L, text, len, "the text");
}

static int json_encode(lua_State *L) {
    lua_host *h = lua_host_of(L);
    luaL_checkany(L, 1);
    keel_buf_clear(&h->args);
    lua_encode_check(L, 1, "keel.json.encode", "value", &h->args);
    lua_pushlstring(L, h->args.data, h->args.len);
    forget(&h->args);
    return 1;
}

void lua_json_push(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"decode", json_decode}, {"encode", json_encode}, {NULL, NULL}};
    luaL_newlib(L, functions);
    freeze(L, "keel.json");
}

/* ---- base64 ---- */

static int base64_encode(lua_State *L) {
    size_t len;
    luaL_Buffer b;
    const char *bytes = luaL_checklstring(L, 1, &len);
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *to = luaL_buffinitsize(L, &b, size);
    sodium_bin2base64(to, size, (const unsigned char *)bytes, len, sodium_base64_VARIANT_ORIGINAL);
    luaL_pushresultsize(&b, size - 1);
    return 1;
}

/* With or without padding, of either alphabet; line ends and blanks do not count. */
static int base64_decode(lua_State *L) {
    static const int variants[] = {
        sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
        sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    size_t len, got;
    luaL_Buffer b;
    const char *text = luaL_checklstring(L, 1, &len);
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &b, len / 4 * 3 + 3);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (sodium_base642bin(to, len / 4 * 3 + 3, text, len, "\r\n\t ", &got, NULL, variants[i]) ==
            0) {
            luaL_pushresultsize(&b, got);
            return 1;
        }
    }
    return lua_give_failure(L, KEEL_E_UNKNOWN, "the text is no base64");
}

void lua_base64_push(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"decode", base64_decode}, {"encode", base64_encode}, {NULL, NULL}};
    luaL_newlib(L, functions);
    freeze(L, "keel.base64");
}

/* ---- URL ---- */

static int url_encode(lua_State *L) {
    lua_host *h = lua_host_of(L);
    size_t len;
    const char *text = lua_push_plain(L, 1, "keel.url.encode", &len);
    keel_buf_clear(&h->args);
    lua_url_encode(&h->args, text, len);
    lua_pushlstring(L, h->args.len ? h->args.data : "", h->args.len);
    forget(&h->args);
    return 1;
}

void lua_url_push(lua_State *L) {
    static const luaL_Reg functions[] = {{"encode", url_encode}, {NULL, NULL}};
    luaL_newlib(L, functions);
    freeze(L, "keel.url");
}

/* ---- digest ---- */

int lua_digest(lua_State *L) {
    size_t len;
    char hex[DIGEST_HEX];
    const char *bytes = luaL_checklstring(L, 1, &len);
    digest d = digest_of(bytes, len);
    digest_hex(&d, hex);
    lua_pushstring(L, hex);
    return 1;
}
