/* One save of a plugin: build, check, test, install. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_test.h"
#include "check_receipt.h"
#include "commands.h"
#include "dev.h"
#include "library.h"
#include "paths.h"
#include "survey.h"

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* Runs a program in this terminal. Its exit code; -1: it did not start or was killed. */
static int run_program(char *const argv[]) {
    pid_t pid;
    int status = 0;
    fflush(stdout);
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void tell(void *ctx, const diag *d) {
    (void)ctx;
    (void)cli_fault(d);
}

static bool told(diag *d) {
    (void)cli_fault(d);
    return false;
}

/* Places in the workspace are shown from its folder. */
static void shorten(const dev *v, diag *d) {
    size_t len = strlen(v->c->ws->root);
    if (strncmp(d->file, v->c->ws->root, len) == 0 && d->file[len] == '/') {
        memmove(d->file, d->file + len + 1, strlen(d->file + len + 1) + 1);
    }
}

static bool read_manifest(dev *v, dev_item *item, bool *native) {
    diag d = {0};
    manifest *m = NULL;
    char *file = join(item->folder, "manifest.yaml");
    int rc = manifest_load(&m, file, &d);
    free(file);
    if (rc) {
        shorten(v, &d);
        return told(&d);
    }
    free(item->name);
    free(item->id);
    item->name = keel_strdup(m->name);
    item->id = keel_strdup(m->id);
    *native = m->native;
    manifest_destroy(m);
    return true;
}

static bool build(dev *v, const dev_item *item) {
    char *makefile = join(item->folder, "Makefile");
    bool there = access(makefile, F_OK) == 0;
    free(makefile);
    if (!there) {
        return true;
    }
    char make[] = "make", silent[] = "-s", in[] = "-C";
    char *const argv[] = {make, silent, in, item->folder, NULL};
    if (run_program(argv) == 0) {
        return true;
    }
    dev_say(v, "%s does not build; what was in force stays.", item->shown);
    return false;
}

static bool test_agent(dev *v, const dev_item *item, int *failed) {
    agent_scenes scenes;
    diag d = {0};
    agent_scenes_find(&scenes, item->folder);
    size_t count = scenes.count;
    agent_scenes_free(&scenes);
    int rc = count ? agent_test_folder(v->c, item->folder, AGENT_TEST_BRIEF, failed, &d)
                   : agent_test_load(item->folder, v->c->ws->root, (keel_json){0}, &d);
    shorten(v, &d);
    return rc ? told(&d) : true;
}

/* Needs nothing but folders: what has a network need is only started by a kernel. */
static bool files_only(const dev_item *item) {
    char *file = join(item->folder, "manifest.yaml");
    manifest *m = NULL;
    bool only = manifest_load(&m, file, NULL) == 0;
    for (size_t i = 0; only && i < m->need_count; i++) {
        only = strcmp(m->needs[i].service, "file") == 0;
    }
    manifest_destroy(m);
    free(file);
    return only;
}

/* With the config of the first connection that uses it, as keel.yaml has it now. */
static bool load_connector(dev *v, const dev_item *item) {
    workspace *ws = NULL;
    diag d = {0};
    int rc = 0;
    if (!files_only(item) || workspace_load(&ws, v->c->ws->root, NULL) != 0) {
        return true;
    }
    for (size_t i = 0; i < ws->connection_count; i++) {
        const workspace_connection *k = &ws->connections[i];
        size_t len = strcspn(k->use, "@");
        if (strlen(item->id) == len && memcmp(k->use, item->id, len) == 0) {
            rc = agent_test_load(item->folder, ws->root,
                                 keel_json_view(k->config.data, k->config.len), &d);
            break;
        }
    }
    workspace_destroy(ws);
    shorten(v, &d);
    return rc ? told(&d) : true;
}

/* The conformance kit, where this Keel has it and the connector says what to try. */
static bool test_connector(dev *v, const dev_item *item, int *failed) {
    if (!load_connector(v, item)) {
        return false;
    }
    char *file = join(item->folder, "check.yaml"), self[] = "/proc/self/exe";
    const command *check = command_verb(command_find("connector"), "check");
    bool there = check && access(file, F_OK) == 0;
    free(file);
    if (there) {
        char thing[] = "connector", verb[] = "check", quiet[] = "-q";
        char *const argv[] = {self, thing, verb, quiet, item->folder, NULL};
        *failed = run_program(argv) != 0;
    }
    return true;
}

static bool tested(dev *v, const dev_item *item) {
    int failed = 0;
    bool ran = !v->tests ||
               (item->agent ? test_agent(v, item, &failed) : test_connector(v, item, &failed));
    if (ran && failed) {
        dev_say(v, "%s is not installed: its tests do not pass (--no-tests installs all the same).",
                item->shown);
    } else if (!ran) {
        dev_say(v, "%s is not installed; what was in force stays.", item->shown);
    }
    return ran && !failed;
}

static bool install(dev *v, const dev_item *item, bool *fresh) {
    diag d = {0};
    library_save saved;
    char *lua = path_share("lua/keel.lua");
    int rc = library_develop(v->c->ws->root, lua, item->folder, &saved, tell, NULL, &d);
    free(lua);
    rc = rc ? rc
            : check_receipt_carry(v->c->ws->keel, &saved.source, item->id, saved.version,
                                  &saved.plugin, &d);
    if (rc) {
        shorten(v, &d);
        return told(&d);
    }
    *fresh = saved.fresh;
    dev_say(v, "%s %s %s.", item->name, saved.version,
            saved.fresh ? "is installed" : "is as it was installed");
    return true;
}

bool dev_save(dev *v, dev_item *item) {
    bool native = false, fresh = false;
    item->handled = item->seen; /* a save that comes meanwhile is another one */
    bool good = read_manifest(v, item, &native) && (!native || build(v, item)) && tested(v, item) &&
                install(v, item, &fresh);
    return good && fresh;
}

static void warnings(dev *v, keel_json result) {
    size_t len = strlen(v->c->ws->root);
    for (keel_json_iter it = keel_json_each(keel_json_get(result, "warnings"));
         keel_json_next(&it);) {
        keel_buf text = KEEL_BUF_INIT;
        if (keel_json_string(it.value, &text) && text.data) {
            bool ours = strncmp(text.data, v->c->ws->root, len) == 0 && text.data[len] == '/';
            dev_say(v, "%s", text.data + (ours ? len + 1 : 0));
        }
        keel_buf_free(&text);
    }
}

/* Asked afresh each time: the one that was talked to may have ended since. */
bool dev_kernel_runs(dev *v) {
    client_close(v->c->kernel);
    v->c->kernel = NULL;
    return cli_running(v->c);
}

void dev_reload(dev *v) {
    diag d = {0};
    keel_buf result = KEEL_BUF_INIT;
    if (!dev_kernel_runs(v)) {
        dev_say(v, "Keel does not run any more: this will be in force when it is started again.");
        return;
    }
    int rc = cli_call(v->c, "reload", NULL, &result, &d);
    if (rc) {
        shorten(v, &d);
        (void)cli_fault(&d);
    } else {
        warnings(v, keel_json_view(result.data, result.len));
        dev_say(v, "In force for new runs.");
    }
    keel_buf_free(&result);
}
