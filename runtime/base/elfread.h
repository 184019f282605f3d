/* The bytes of a shared object, read without loading it. Nothing in the file is believed: every
 * offset is checked. No state. */
#ifndef ELF_READ_H
#define ELF_READ_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define ELF_MACHINE      EM_X86_64
#define ELF_MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
#define ELF_MACHINE      EM_AARCH64
#define ELF_MACHINE_NAME "aarch64"
#else
#error "the plugin ABI is not defined for this machine yet"
#endif

typedef struct elf_object {
    const uint8_t *data;
    size_t len;
    const char *name;
    uint64_t strings; /* file offsets, and sizes in bytes */
    uint64_t strings_size;
    uint64_t symbols;
    uint64_t symbol_count;
} elf_object;

/* Copies `size` bytes from a file offset: nothing in a file is aligned. */
bool elf_get(const elf_object *o, uint64_t offset, void *to, size_t size);
bool elf_segment(const elf_object *o, const Elf64_Ehdr *h, size_t i, Elf64_Phdr *to);
/* The file offset of an address, 0 if no segment of the file holds it. */
uint64_t elf_offset(const elf_object *o, const Elf64_Ehdr *h, uint64_t address);
/* A text of the string table; NULL if it does not end within it. */
const char *elf_text(const elf_object *o, uint64_t at);
/* The i-th entry of the dynamic section; false behind the last. */
bool elf_dynamic(const elf_object *o, const Elf64_Phdr *p, size_t i, Elf64_Dyn *e);
/* Takes what the object is to know from an entry: strings, symbols and how many. */
void elf_take(elf_object *o, const Elf64_Ehdr *h, const Elf64_Dyn *e);
bool elf_exported(const Elf64_Sym *s);

#endif
