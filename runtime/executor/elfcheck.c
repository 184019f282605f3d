#include "elfcheck.h"

#include <stdbool.h>
#include <string.h>

#include "elfread.h"
#include "sandbox.h"

static const char *const own_libraries[] = {
    "libc.so.6",    "libm.so.6",     "libdl.so.2",           "libpthread.so.0",
    "librt.so.1",   "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
#if SANDBOX_SANITIZED
    "libasan.so.8", "libubsan.so.1",
#endif
};

static int broken(const elf_object *o, diag *d, const char *what) {
    diag_set(d, DIAG_FAILED, "%s is no shared object that can be loaded: %s.", o->name, what);
    return diag_next(d, "Build it again with: cc -shared -fPIC -fvisibility=hidden.");
}

static int check_header(const elf_object *o, const Elf64_Ehdr *h, diag *d) {
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) {
        return broken(o, d, "it does not begin as an ELF file");
    }
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
        h->e_machine != ELF_MACHINE) {
        diag_set(d, DIAG_FAILED,
                 "%s was built for another machine: ELF machine %d, and this host is %s (%d).",
                 o->name, h->e_machine, ELF_MACHINE_NAME, ELF_MACHINE);
        return diag_next(d, "Build it on, or for, this machine.");
    }
    if (h->e_type != ET_DYN || h->e_phentsize != sizeof(Elf64_Phdr)) {
        return broken(o, d, "it is not of the type of a shared object");
    }
    return 0;
}

static int check_segments(const elf_object *o, const Elf64_Ehdr *h, Elf64_Phdr *dynamic, diag *d) {
    bool found = false;
    for (size_t i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr p;
        if (!elf_segment(o, h, i, &p)) {
            return broken(o, d, "its program header is cut off");
        }
        if (p.p_type == PT_DYNAMIC) {
            *dynamic = p;
            found = true;
        }
        if (p.p_type == PT_INTERP) {
            return broken(o, d, "it is a program, not a library");
        }
        if (p.p_type == PT_GNU_STACK && (p.p_flags & PF_X)) {
            return broken(o, d, "it asks for an executable stack");
        }
    }
    return found ? 0 : broken(o, d, "it has no dynamic section");
}

/* ---- the dynamic section ---- */

static bool own_library(const char *name) {
    for (size_t i = 0; i < sizeof own_libraries / sizeof *own_libraries; i++) {
        if (strcmp(own_libraries[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int check_needed(const elf_object *o, uint64_t at, char *const *libraries, size_t count,
                        diag *d) {
    const char *name = elf_text(o, at);
    if (!name) {
        return broken(o, d, "the name of a library lies outside of it");
    }
    if (own_library(name)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(libraries[i], name) == 0) {
            return 0;
        }
    }
    diag_set(d, DIAG_FAILED, "%s needs the library %s, which its manifest does not list.", o->name,
             name);
    return diag_next(d, "Add it to manifest.yaml: `libraries: [ %s ]`, or build without it.", name);
}

static int check_entry(const elf_object *o, const Elf64_Dyn *e, diag *d) {
    if (e->d_tag == DT_FLAGS && (e->d_un.d_val & DF_TEXTREL)) {
        return broken(o, d, "its code would have to be writable (TEXTREL)");
    }
    static const struct {
        int64_t tag;
        const char *name;
        const char *why;
    } refused[] = {
        {DT_RPATH, "RPATH", "a search path of its own can bring in other libraries"},
        {DT_RUNPATH, "RUNPATH", "a search path of its own can bring in other libraries"},
        {DT_AUDIT, "AUDIT", "it would load a library that nobody listed"},
        {DT_DEPAUDIT, "DEPAUDIT", "it would load a library that nobody listed"},
        {DT_FILTER, "FILTER", "it would load a library that nobody listed"},
        {DT_AUXILIARY, "AUXILIARY", "it would load a library that nobody listed"},
        {DT_TEXTREL, "TEXTREL", "its code would have to be writable"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (e->d_tag != refused[i].tag) {
            continue;
        }
        const char *value = i < 6 ? elf_text(o, e->d_un.d_val) : NULL;
        diag_set(d, DIAG_FAILED, "%s has the entry %s%s%s: %s.", o->name, refused[i].name,
                 value ? " " : "", value ? value : "", refused[i].why);
        return diag_next(d, "Link it without -Wl,-rpath and the like; libraries come from the "
                            "system's folders.");
    }
    return 0;
}

/* ---- exports ---- */

/* Old linkers export the ends of sections, and an initialiser of their own. */
static bool linker_made(const char *name) {
    static const char *const names[] = {"_init", "_fini", "_edata", "_end", "__bss_start"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return SANDBOX_SANITIZED && strncmp(name, "__", 2) == 0;
}

static int check_exports(const elf_object *o, const char *entry, diag *d) {
    size_t count = 0;
    bool found = false;
    const char *other = NULL;
    for (uint64_t i = 1; i < o->symbol_count; i++) {
        Elf64_Sym s;
        if (!elf_get(o, o->symbols + i * sizeof s, &s, sizeof s)) {
            return broken(o, d, "its symbol table is cut off");
        }
        const char *name = elf_exported(&s) ? elf_text(o, s.st_name) : NULL;
        if (!name || linker_made(name)) {
            continue;
        }
        count++;
        if (strcmp(name, entry) == 0) {
            found = true;
        } else {
            other = name;
        }
    }
    if (!found) {
        diag_set(d, DIAG_FAILED, "%s exports %zu symbols, and %s is not among them.", o->name,
                 count, entry);
        return diag_next(d, "Define `KEEL_EXPORT const keel_plugin *%s(void)` (keel/plugin.h).",
                         entry);
    }
    if (count != 1) {
        diag_set(d, DIAG_FAILED, "%s exports %zu symbols, one of them %s; a plugin exports 1, %s.",
                 o->name, count, other, entry);
        return diag_next(d, "Build it with -fvisibility=hidden.");
    }
    return 0;
}

int elf_check(const uint8_t *data, size_t len, const char *name, const char *entry,
              char *const *libraries, size_t library_count, diag *d) {
    elf_object o = {.data = data, .len = len, .name = name};
    Elf64_Ehdr h;
    Elf64_Phdr dynamic = {0};
    Elf64_Dyn e;
    if (!elf_get(&o, 0, &h, sizeof h)) {
        return broken(&o, d, "it is too short");
    }
    if (check_header(&o, &h, d) < 0 || check_segments(&o, &h, &dynamic, d) < 0) {
        return DIAG_FAILED;
    }
    for (size_t i = 0; elf_dynamic(&o, &dynamic, i, &e); i++) {
        elf_take(&o, &h, &e);
    }
    for (size_t i = 0; elf_dynamic(&o, &dynamic, i, &e); i++) {
        if (check_entry(&o, &e, d) < 0 ||
            (e.d_tag == DT_NEEDED &&
             check_needed(&o, e.d_un.d_val, libraries, library_count, d) < 0)) {
            return DIAG_FAILED;
        }
    }
    return check_exports(&o, entry, d);
}
