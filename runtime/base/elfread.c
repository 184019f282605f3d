#include "elfread.h"

#include <string.h>

#define DYNAMIC_LIMIT 4096 /* entries */

bool elf_get(const elf_object *o, uint64_t offset, void *to, size_t size) {
    if (offset > o->len || size > o->len - offset) {
        return false;
    }
    memcpy(to, o->data + offset, size);
    return true;
}

bool elf_segment(const elf_object *o, const Elf64_Ehdr *h, size_t i, Elf64_Phdr *to) {
    return elf_get(o, h->e_phoff + i * sizeof *to, to, sizeof *to);
}

uint64_t elf_offset(const elf_object *o, const Elf64_Ehdr *h, uint64_t address) {
    Elf64_Phdr p;
    for (size_t i = 0; i < h->e_phnum && elf_segment(o, h, i, &p); i++) {
        if (p.p_type == PT_LOAD && address >= p.p_vaddr && address - p.p_vaddr < p.p_filesz) {
            return p.p_offset + (address - p.p_vaddr);
        }
    }
    return 0;
}

const char *elf_text(const elf_object *o, uint64_t at) {
    if (o->strings > o->len || o->strings_size > o->len - o->strings || at >= o->strings_size) {
        return NULL;
    }
    const char *text = (const char *)o->data + o->strings + at;
    return memchr(text, '\0', o->strings_size - at) ? text : NULL;
}

/* The number of symbols is only known from a hash table over them. */
static uint64_t count_gnu(const elf_object *o, uint64_t at) {
    uint32_t h[4]; /* buckets, first symbol, words of the filter, shift */
    if (!elf_get(o, at, h, sizeof h)) {
        return 0;
    }
    uint64_t buckets = at + sizeof h + 8 * (uint64_t)h[2];
    uint64_t chains = buckets + 4 * (uint64_t)h[0];
    uint32_t last = 0;
    for (uint32_t i = 0, b; i < h[0] && elf_get(o, buckets + 4 * (uint64_t)i, &b, sizeof b); i++) {
        last = b > last ? b : last;
    }
    if (last < h[1]) {
        return h[1];
    }
    uint32_t hash = 0;
    while (elf_get(o, chains + 4 * (uint64_t)(last - h[1]), &hash, sizeof hash) && !(hash & 1)) {
        last++;
    }
    return (uint64_t)last + 1;
}

static uint64_t count_sysv(const elf_object *o, uint64_t at) {
    uint32_t h[2]; /* buckets, chains */
    return elf_get(o, at, h, sizeof h) ? h[1] : 0;
}

void elf_take(elf_object *o, const Elf64_Ehdr *h, const Elf64_Dyn *e) {
    switch (e->d_tag) {
    case DT_STRTAB:
        o->strings = elf_offset(o, h, e->d_un.d_ptr);
        break;
    case DT_STRSZ:
        o->strings_size = e->d_un.d_val;
        break;
    case DT_SYMTAB:
        o->symbols = elf_offset(o, h, e->d_un.d_ptr);
        break;
    case DT_GNU_HASH:
        o->symbol_count = count_gnu(o, elf_offset(o, h, e->d_un.d_ptr));
        break;
    case DT_HASH:
        if (o->symbol_count == 0) {
            o->symbol_count = count_sysv(o, elf_offset(o, h, e->d_un.d_ptr));
        }
        break;
    default:
        break;
    }
}

bool elf_dynamic(const elf_object *o, const Elf64_Phdr *p, size_t i, Elf64_Dyn *e) {
    return i < DYNAMIC_LIMIT && (i + 1) * sizeof *e <= p->p_filesz &&
           elf_get(o, p->p_offset + i * sizeof *e, e, sizeof *e) && e->d_tag != DT_NULL;
}

bool elf_exported(const Elf64_Sym *s) {
    unsigned bind = ELF64_ST_BIND(s->st_info);
    unsigned seen = ELF64_ST_VISIBILITY(s->st_other);
    return s->st_shndx != SHN_UNDEF && s->st_shndx != SHN_ABS &&
           (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
           (seen == STV_DEFAULT || seen == STV_PROTECTED);
}
