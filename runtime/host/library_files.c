/* A plugin that is made of files in memory. */
#include <stdlib.h>
#include <string.h>

#include "library_int.h"

int library_of_files(plugin **out, plugin_file *files, size_t count, const char *from,
                     const char *folder, diag *d) {
    plugin *p = keel_alloc(sizeof *p);
    *p = (plugin){.files = files, .file_count = count};
    p->folder = folder ? keel_strdup(folder) : NULL;
    const plugin_file *m = library_file(p, "manifest.yaml");
    int rc = m ? manifest_parse(&p->manifest, from, m->data.data, m->data.len, d)
               : diag_set(d, DIAG_NOT_FOUND, "%s has no manifest", from);
    if (rc) {
        plugin_destroy(p);
        return rc;
    }
    library_seal(p);
    *out = p;
    return 0;
}
