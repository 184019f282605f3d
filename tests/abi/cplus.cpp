// The header in C++: a connector that answers null.
#include "keel/effect.h"
#include "keel/fs.h"
#include "keel/plugin.h"
#include "keel/spawn.h"

namespace {

const keel_host *host;

keel_status create(const keel_host *h, keel_span, void **self) {
    host = h;
    *self = nullptr;
    return KEEL_OK;
}

keel_status read(void *, keel_call *call, const keel_request *) {
    return host->reply(host->ctx, call, keel_span{nullptr, 0});
}

const keel_connector connector = {sizeof(keel_connector), 0, nullptr, create, nullptr, read,
                                  nullptr,                nullptr, nullptr};

const keel_plugin plugin = {KEEL_ABI_MAGIC,  sizeof(keel_plugin), KEEL_ABI_MAJOR,
                            KEEL_ABI_MINOR,  KEEL_KIND_CONNECTOR, "com.example.abi",
                            "1.0.0",         &connector,          nullptr};

} // namespace

const keel_plugin *keel_plugin_entry(void) {
    return &plugin;
}
