#include "elfinfo.h"

#include <string.h>

#include "elfread.h"
#include "keel/plugin.h"

#define RELOCATIONS_MAX 200000

typedef struct looking {
    elf_object o;
    Elf64_Ehdr header;
    Elf64_Phdr dynamic;
    uint64_t relocations, relocation_count; /* file offset of DT_RELA's table */
} looking;

static int broken(const looking *l, diag *d) {
    diag_set(d, DIAG_USAGE, "%s is no shared object of this machine.", l->o.name);
    return diag_next(d, "Build it with: cc -shared -fPIC -fvisibility=hidden.");
}

static bool open_object(looking *l) {
    const Elf64_Ehdr *h = &l->header;
    bool found = false;
    if (!elf_get(&l->o, 0, &l->header, sizeof l->header) ||
        memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != ELF_MACHINE || h->e_type != ET_DYN ||
        h->e_phentsize != sizeof(Elf64_Phdr)) {
        return false;
    }
    Elf64_Phdr p;
    for (size_t i = 0; i < h->e_phnum && elf_segment(&l->o, h, i, &p); i++) {
        if (p.p_type == PT_DYNAMIC) {
            l->dynamic = p;
            found = true;
        }
    }
    return found;
}

static void take_dynamic(looking *l, elf_info *out) {
    Elf64_Dyn e;
    for (size_t i = 0; elf_dynamic(&l->o, &l->dynamic, i, &e); i++) {
        elf_take(&l->o, &l->header, &e);
        if (e.d_tag == DT_RELA) {
            l->relocations = elf_offset(&l->o, &l->header, e.d_un.d_ptr);
        } else if (e.d_tag == DT_RELASZ) {
            l->relocation_count = e.d_un.d_val / sizeof(Elf64_Rela);
        }
    }
    for (size_t i = 0; elf_dynamic(&l->o, &l->dynamic, i, &e); i++) {
        const char *name = e.d_tag == DT_NEEDED ? elf_text(&l->o, e.d_un.d_val) : NULL;
        if (name && out->needed_count < ELFINFO_NAMES) {
            out->needed[out->needed_count++] = name;
        }
    }
}

static void take_exports(const looking *l, elf_info *out) {
    Elf64_Sym s;
    for (uint64_t i = 1;
         i < l->o.symbol_count && elf_get(&l->o, l->o.symbols + i * sizeof s, &s, sizeof s); i++) {
        const char *name = elf_exported(&s) ? elf_text(&l->o, s.st_name) : NULL;
        if (name && out->export_count < ELFINFO_NAMES) {
            out->exports[out->export_count] = name;
        }
        out->export_count += name != NULL;
    }
}

/* ---- the description ---- */

/* The pointer that will stand at an address once the object is loaded, as an address within it: a
 * relocation's, or (packed relocations) what stands there. 0: none. */
static uint64_t pointer_at(const looking *l, uint64_t address) {
    Elf64_Rela r;
    uint64_t value = 0;
    uint64_t count = l->relocation_count < RELOCATIONS_MAX ? l->relocation_count : RELOCATIONS_MAX;
    for (uint64_t i = 0; i < count && elf_get(&l->o, l->relocations + i * sizeof r, &r, sizeof r);
         i++) {
        if (r.r_offset == address) {
            return r.r_addend > 0 ? (uint64_t)r.r_addend : 1; /* 1: another object's */
        }
    }
    elf_get(&l->o, elf_offset(&l->o, &l->header, address), &value, sizeof value);
    return value;
}

static bool text_at(const looking *l, uint64_t address, char *to, size_t size) {
    uint64_t at = elf_offset(&l->o, &l->header, address);
    for (size_t i = 0; at && i < size && at + i < l->o.len; i++) {
        to[i] = (char)l->o.data[at + i];
        if (!to[i]) {
            return i > 0;
        }
        if (to[i] < 0x20 || to[i] == 0x7f) {
            break;
        }
    }
    to[0] = 0;
    return false;
}

static void take_verbs(const looking *l, uint64_t table, elf_info *out) {
    uint32_t size = 0;
    const struct {
        size_t at;
        bool *there;
    } verbs[] = {
        {offsetof(keel_connector, read), &out->read},
        {offsetof(keel_connector, write), &out->write},
        {offsetof(keel_connector, reconcile), &out->reconcile},
        {offsetof(keel_connector, compensate), &out->compensate},
    };
    elf_get(&l->o, elf_offset(&l->o, &l->header, table), &size, sizeof size);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        *verbs[i].there =
            verbs[i].at + sizeof(void *) <= size && pointer_at(l, table + verbs[i].at) != 0;
    }
}

static bool take_description(const looking *l, uint64_t address, uint64_t offset, elf_info *out) {
    uint32_t words[2], kind;
    uint16_t abi[2];
    if (!elf_get(&l->o, offset, words, sizeof words) || words[0] != KEEL_ABI_MAGIC ||
        words[1] < offsetof(keel_plugin, connector) || words[1] > 4096 ||
        !elf_get(&l->o, offset + offsetof(keel_plugin, abi_major), abi, sizeof abi) ||
        !elf_get(&l->o, offset + offsetof(keel_plugin, kind), &kind, sizeof kind) ||
        (kind != KEEL_KIND_AGENT && kind != KEEL_KIND_CONNECTOR) ||
        !text_at(l, pointer_at(l, address + offsetof(keel_plugin, id)), out->id, sizeof out->id) ||
        !text_at(l, pointer_at(l, address + offsetof(keel_plugin, version)), out->version,
                 sizeof out->version)) {
        return false;
    }
    out->abi_major = abi[0];
    out->abi_minor = abi[1];
    out->agent = kind == KEEL_KIND_AGENT;
    if (!out->agent) {
        take_verbs(l, pointer_at(l, address + offsetof(keel_plugin, connector)), out);
    }
    return true;
}

static void find_description(const looking *l, elf_info *out) {
    static const uint32_t magic = KEEL_ABI_MAGIC;
    Elf64_Phdr p;
    for (size_t i = 0; i < l->header.e_phnum && elf_segment(&l->o, &l->header, i, &p); i++) {
        if (p.p_type != PT_LOAD || p.p_offset > l->o.len || p.p_filesz > l->o.len - p.p_offset) {
            continue;
        }
        uint64_t skip = (8 - p.p_vaddr % 8) % 8;
        for (uint64_t at = skip; at + sizeof magic <= p.p_filesz && !out->described; at += 8) {
            if (memcmp(l->o.data + p.p_offset + at, &magic, sizeof magic) == 0) {
                out->described = take_description(l, p.p_vaddr + at, p.p_offset + at, out);
            }
        }
    }
}

int elf_info_read(elf_info *out, const void *data, size_t len, const char *name, diag *d) {
    looking l = {.o = {.data = data, .len = len, .name = name}};
    *out = (elf_info){.described = false};
    if (!open_object(&l)) {
        return broken(&l, d);
    }
    take_dynamic(&l, out);
    take_exports(&l, out);
    find_description(&l, out);
    return 0;
}
