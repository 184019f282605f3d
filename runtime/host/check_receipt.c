#include "check_receipt.h"

#include "fsio.h"
#include "keel/json.h"

#define RECEIPT_LIMIT 4096

static void receipt_path(const char *keel, const digest *plugin, keel_buf *out) {
    char hex[DIGEST_HEX];
    digest_hex(plugin, hex);
    keel_buf_printf(out, "%s/checks/%s.json", keel, hex);
}

int check_receipt_write(const char *workspace_keel_dir, const check_receipt *r, diag *d) {
    keel_buf path = KEEL_BUF_INIT, folder = KEEL_BUF_INIT, body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_int(&w, "at_us", r->at_us);
    keel_json_key(&w, "digest");
    keel_json_hex(&w, r->plugin.bytes, DIGEST_SIZE);
    keel_json_set_int(&w, "failed", 0);
    keel_json_set_text(&w, "id", r->id);
    keel_json_set_text(&w, "keel", KEEL_VERSION);
    keel_json_set_int(&w, "kit", CHECK_RECEIPT_KIT);
    keel_json_set_int(&w, "passed", r->passed);
    keel_json_set_int(&w, "skipped", r->skipped);
    keel_json_set_text(&w, "version", r->version);
    keel_json_object_end(&w);
    keel_buf_putc(&body, '\n');
    keel_buf_printf(&folder, "%s/checks", workspace_keel_dir);
    receipt_path(workspace_keel_dir, &r->plugin, &path);
    int rc = fsio_mkdirs(folder.data, 0700, d);
    rc = rc ? rc : fsio_write_atomic(path.data, body.data, body.len, 0600, d);
    keel_buf_free(&path);
    keel_buf_free(&folder);
    keel_buf_free(&body);
    return rc;
}

static bool read_receipt(const char *keel, const digest *plugin, check_receipt *out) {
    keel_buf path = KEEL_BUF_INIT, body = KEEL_BUF_INIT, canonical = KEEL_BUF_INIT;
    char hex[DIGEST_HEX];
    int64_t failed = -1, kit = 0, passed = 0, skipped = 0;
    keel_json_error e;
    *out = (check_receipt){.plugin = *plugin};
    digest_hex(plugin, hex);
    receipt_path(keel, plugin, &path);
    bool ok = fsio_read(path.data, RECEIPT_LIMIT, &body, NULL) == 0 &&
              keel_json_canonical(&canonical, body.data, body.len, &e) == 0;
    keel_json v = keel_json_view(canonical.data, canonical.len);
    ok = ok && keel_json_is(keel_json_get(v, "digest"), hex) &&
         keel_json_int(keel_json_get(v, "failed"), &failed) && failed == 0 &&
         keel_json_int(keel_json_get(v, "kit"), &kit) && kit >= CHECK_RECEIPT_KIT &&
         keel_json_int(keel_json_get(v, "passed"), &passed) && passed > 0;
    if (ok) {
        keel_json_int(keel_json_get(v, "at_us"), &out->at_us);
        keel_json_int(keel_json_get(v, "skipped"), &skipped);
        out->passed = (int)passed;
        out->skipped = (int)skipped;
    }
    keel_buf_free(&path);
    keel_buf_free(&body);
    keel_buf_free(&canonical);
    return ok;
}

bool check_receipt_valid(const char *workspace_keel_dir, const digest *plugin) {
    check_receipt found;
    return read_receipt(workspace_keel_dir, plugin, &found);
}

int check_receipt_carry(const char *workspace_keel_dir, const digest *source, const char *id,
                        const char *version, const digest *save, diag *d) {
    check_receipt found;
    if (digest_equal(source, save) || !read_receipt(workspace_keel_dir, source, &found)) {
        return 0;
    }
    found.id = id;
    found.version = version;
    found.plugin = *save;
    return check_receipt_write(workspace_keel_dir, &found, d);
}
