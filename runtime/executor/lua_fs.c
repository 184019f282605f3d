/* c.fs: the folders that the connection was granted. Each function gives its value, or nil and a
 * keel.fail with the status word and the reason. */
#include "lua_host.h"

static int give_failure(lua_State *L, keel_status status) {
    return lua_give_failure(L, status, fs_error(lua_host_of(L)->files));
}

static int give_true(lua_State *L, keel_status status) {
    if (status != KEEL_OK) {
        return give_failure(L, status);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static const char *check_path(lua_State *L, int index) {
    return lua_check_text(L, index, "a path");
}

static const char *kind_name(uint32_t kind) {
    return kind == FS_FILE ? "file" : kind == FS_FOLDER ? "folder" : "other";
}

static int c_fs_stat(lua_State *L) {
    fs_info info;
    const char *folder = check_path(L, 1), *path = check_path(L, 2);
    keel_status status = fs_stat(lua_host_of(L)->files, folder, path, &info);
    if (status != KEEL_OK) {
        return give_failure(L, status);
    }
    lua_createtable(L, 0, 3);
    lua_pushstring(L, kind_name(info.kind));
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, (lua_Integer)info.mtime_us);
    lua_setfield(L, -2, "mtime_us");
    lua_pushinteger(L, (lua_Integer)info.size);
    lua_setfield(L, -2, "size");
    return 1;
}

static int c_fs_read(lua_State *L) {
    lua_host *h = lua_host_of(L);
    const char *folder = check_path(L, 1), *path = check_path(L, 2);
    lua_Integer offset = luaL_optinteger(L, 3, 0);
    lua_Integer len = luaL_optinteger(L, 4, FS_READ_LIMIT);
    luaL_argcheck(L, offset >= 0, 3, "an offset is 0 or more");
    luaL_argcheck(L, len >= 0 && len <= FS_READ_LIMIT, 4, "a length is 0 to 16 MiB");
    keel_buf_clear(&h->text);
    keel_status status = fs_read(h->files, folder, path, (uint64_t)offset, (size_t)len, &h->text);
    if (status != KEEL_OK) {
        return give_failure(L, status);
    }
    lua_pushlstring(L, h->text.len ? h->text.data : "", h->text.len);
    if (h->text.cap > 1 << 20) {
        keel_buf_free(&h->text);
    }
    return 1;
}

/* A list of {name, kind}, sorted by name. */
static int c_fs_list(lua_State *L) {
    fs_listing listing;
    const char *folder = check_path(L, 1), *path = lua_isnoneornil(L, 2) ? "" : check_path(L, 2);
    keel_status status = fs_list(lua_host_of(L)->files, folder, path, &listing);
    if (status != KEEL_OK) {
        return give_failure(L, status);
    }
    lua_createtable(L, (int)listing.count, 0);
    for (size_t i = 0; i < listing.count; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, listing.entries[i].name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, kind_name(listing.entries[i].kind));
        lua_setfield(L, -2, "kind");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_mark_set(L, -1, MARK_LIST);
    fs_listing_free(&listing);
    return 1;
}

static int c_fs_write(lua_State *L) {
    static const char *const options[] = {"new", NULL};
    size_t len;
    const char *folder = check_path(L, 1), *path = check_path(L, 2);
    const char *data = luaL_checklstring(L, 3, &len);
    lua_check_options(L, 4, "c.fs.write", options);
    bool fresh = false;
    if (lua_istable(L, 4)) {
        lua_getfield(L, 4, "new");
        fresh = lua_toboolean(L, -1);
    }
    return give_true(
        L, fs_write(lua_host_of(L)->files, folder, path, data, len, fresh ? KEEL_FS_NEW : 0));
}

static int c_fs_rename(lua_State *L) {
    const char *from_folder = check_path(L, 1), *from = check_path(L, 2);
    const char *to_folder = check_path(L, 3), *to = check_path(L, 4);
    return give_true(L, fs_rename(lua_host_of(L)->files, from_folder, from, to_folder, to));
}

static int c_fs_remove(lua_State *L) {
    const char *folder = check_path(L, 1), *path = check_path(L, 2);
    return give_true(L, fs_remove(lua_host_of(L)->files, folder, path));
}

void lua_fs_push(lua_host *h) {
    static const luaL_Reg functions[] = {
        {"list", c_fs_list},
        {"read", c_fs_read},
        {"remove", c_fs_remove},
        {"rename", c_fs_rename},
        {"stat", c_fs_stat},
        {"write", c_fs_write},
        {NULL, NULL},
    };
    if (!h->files) {
        h->files = fs_create(h->config->grants, h->config->grant_count);
    }
    luaL_newlib(h->L, functions);
}
