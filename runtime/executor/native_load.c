/* The load rule: which shared objects are let in, and what they are told if not. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfcheck.h"
#include "native.h"

#define ENTRY "keel_plugin_entry"
/* What the first published minor had: a shorter struct is none of ours. */
#define PLUGIN_LEAST    sizeof(keel_plugin)
#define CONNECTOR_LEAST sizeof(keel_connector)
#define AGENT_LEAST     sizeof(keel_agent)
#define AGENT_MINOR     2u

#define REBUILD                                                                                    \
    "Build the plugin again with the keel/plugin.h of this Keel (`pkg-config --cflags keel`)."

static const executor_config *config(const native *n) {
    return executor_get_config(n->x);
}

static int refuse_number(const native *n, diag *d, const char *field, unsigned long theirs,
                         const char *relation, unsigned long ours) {
    diag_set(d, DIAG_FAILED, "%s is refused: %s is %lu, and this host %s %lu.", config(n)->entry,
             field, theirs, relation, ours);
    return diag_next(d, REBUILD);
}

static int refuse_text(const native *n, diag *d, const char *field, const char *code,
                       const char *manifest) {
    diag_set(d, DIAG_FAILED,
             "%s is refused: its code says %s %.100s, its manifest.yaml says %.100s.",
             config(n)->entry, field, code ? code : "(nothing)", manifest);
    return diag_next(d, "Make the two agree.");
}

static int refuse_missing(const native *n, diag *d, const char *member) {
    diag_set(d, DIAG_FAILED, "%s is refused: %s is not set, and it is required.", config(n)->entry,
             member);
    return diag_next(d, "Set it in the plugin's description (keel/plugin.h says what it does).");
}

static int check_abi(const native *n, const keel_plugin *p, diag *d) {
    if (p->magic != KEEL_ABI_MAGIC) {
        diag_set(d, DIAG_FAILED, "%s is refused: magic is 0x%08x, and this host expects 0x%08x.",
                 config(n)->entry, p->magic, KEEL_ABI_MAGIC);
        return diag_next(d, REBUILD);
    }
    if (p->size < PLUGIN_LEAST) {
        return refuse_number(n, d, "size of keel_plugin", p->size, "needs at least", PLUGIN_LEAST);
    }
    if (p->abi_major != KEEL_ABI_MAJOR) {
        return refuse_number(n, d, "abi_major", p->abi_major, "has", KEEL_ABI_MAJOR);
    }
    if (p->abi_minor > KEEL_ABI_MINOR) {
        return refuse_number(n, d, "abi_minor", p->abi_minor, "has", KEEL_ABI_MINOR);
    }
    return 0;
}

static int check_kind(const native *n, const keel_plugin *p, diag *d) {
    const char *ours = config(n)->connector ? "connector" : "agent";
    bool agent = p->kind == KEEL_KIND_AGENT;
    if (!agent && p->kind != KEEL_KIND_CONNECTOR) {
        return refuse_number(n, d, "kind", p->kind, "knows agents, which are 1, and connectors,",
                             KEEL_KIND_CONNECTOR);
    }
    if (config(n)->connector == agent) {
        return refuse_text(n, d, "kind", agent ? "agent" : "connector", ours);
    }
    if (agent && p->abi_minor < AGENT_MINOR) {
        return refuse_number(n, d, "abi_minor", p->abi_minor, "needs for an agent at least",
                             AGENT_MINOR);
    }
    return 0;
}

static int check_identity(const native *n, const keel_plugin *p, diag *d) {
    const executor_config *c = config(n);
    char theirs[32];
    char ours[32];
    snprintf(theirs, sizeof theirs, "%d.%d", p->abi_major, p->abi_minor);
    snprintf(ours, sizeof ours, "%d.%d", c->abi_major, c->abi_minor);
    if (strcmp(theirs, ours) != 0) {
        return refuse_text(n, d, "abi", theirs, ours);
    }
    if (check_kind(n, p, d) < 0) {
        return DIAG_FAILED;
    }
    if (!p->id || strcmp(p->id, c->id) != 0) {
        return refuse_text(n, d, "id", p->id, c->id);
    }
    if (!p->version || strcmp(p->version, c->version) != 0) {
        return refuse_text(n, d, "version", p->version, c->version);
    }
    return 0;
}

static int check_connector(native *n, const keel_connector *theirs, diag *d) {
    if (!theirs) {
        return refuse_missing(n, d, "connector");
    }
    if (theirs->size < CONNECTOR_LEAST) {
        return refuse_number(n, d, "size of keel_connector", theirs->size, "needs at least",
                             CONNECTOR_LEAST);
    }
    size_t size = theirs->size < sizeof n->connector ? theirs->size : sizeof n->connector;
    n->connector = (keel_connector){0};
    memcpy(&n->connector, theirs, size);
    if (!n->connector.create) {
        return refuse_missing(n, d, "connector.create");
    }
    if (!n->connector.read && !n->connector.write) {
        return refuse_missing(n, d, "connector.read or connector.write");
    }
    return 0;
}

static int check_agent(native *n, const keel_agent *theirs, diag *d) {
    if (!theirs) {
        return refuse_missing(n, d, "agent");
    }
    if (theirs->size < AGENT_LEAST) {
        return refuse_number(n, d, "size of keel_agent", theirs->size, "needs at least",
                             AGENT_LEAST);
    }
    size_t size = theirs->size < sizeof n->agent ? theirs->size : sizeof n->agent;
    n->agent = (keel_agent){0};
    memcpy(&n->agent, theirs, size);
    if (!n->agent.create) {
        return refuse_missing(n, d, "agent.create");
    }
    if (!n->agent.run) {
        return refuse_missing(n, d, "agent.run");
    }
    n->connector = (keel_connector){
        .prepare = n->agent.prepare, .create = n->agent.create, .destroy = n->agent.destroy};
    return 0;
}

int native_check(native *n, const keel_plugin *p, diag *d) {
    if (!p) {
        diag_set(d, DIAG_FAILED, "%s is refused: %s answers NULL.", config(n)->entry, ENTRY);
        return diag_next(d, "Return the address of a constant keel_plugin.");
    }
    if (check_abi(n, p, d) < 0) {
        return DIAG_FAILED;
    }
    n->plugin = (keel_plugin){0};
    memcpy(&n->plugin, p, p->size < sizeof n->plugin ? p->size : sizeof n->plugin);
    if (check_identity(n, &n->plugin, d) < 0) {
        return DIAG_FAILED;
    }
    return n->plugin.kind == KEEL_KIND_AGENT ? check_agent(n, n->plugin.agent, d)
                                             : check_connector(n, n->plugin.connector, d);
}

/* ---- the file ---- */

/* The bytes that were checked must be the bytes that are loaded. */
static int check_sealed(const native *n, int fd, diag *d) {
    const int needed = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & needed) != needed) {
        diag_set(d, DIAG_FAILED, "%s is refused: its bytes came unsealed (seals 0x%x of 0x%x).",
                 config(n)->entry, seals < 0 ? 0u : (unsigned)seals, (unsigned)needed);
        return diag_next(d, "Install keel and keel-executor from the same build.");
    }
    return 0;
}

static int check_bytes(const native *n, int fd, diag *d) {
    const executor_config *c = config(n);
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)NATIVE_SIZE_LIMIT) {
        diag_set(d, DIAG_FAILED, "%s is refused: a plugin has 1 to %u bytes.", c->entry,
                 NATIVE_SIZE_LIMIT);
        return diag_next(d, "Build it again.");
    }
    size_t len = (size_t)st.st_size;
    void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return diag_set(d, DIAG_FAILED, "%s cannot be read: %s.", c->entry, strerror(errno));
    }
    int r = elf_check(bytes, len, c->entry, ENTRY, c->libraries, c->library_count, d);
    munmap(bytes, len);
    return r;
}

typedef const keel_plugin *entry_function(void);

static entry_function *find_entry(void *handle) {
    /* ISO C has no conversion from an object pointer to a function's; POSIX promises the bytes. */
    void *symbol = dlsym(handle, ENTRY);
    entry_function *f;
    memcpy(&f, &symbol, sizeof f);
    return f;
}

int native_open(native *n, int fd, diag *d) {
    char path[40];
    if (check_sealed(n, fd, d) < 0 || check_bytes(n, fd, d) < 0) {
        return DIAG_FAILED;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    /* Never closed: a new version is a new process. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        diag_set(d, DIAG_FAILED, "%s cannot be loaded: %.400s.", config(n)->entry, dlerror());
        return diag_next(d, "Install the library that is named, or build without it.");
    }
    entry_function *entry = find_entry(handle);
    return native_check(n, entry ? entry() : NULL, d);
}
