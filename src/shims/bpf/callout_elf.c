/*
 * What is changed in the copy of a callout's object before it is linked: its function takes the
 * name of its slot, and its maps become weak, so that one callout can be in two slots (two layers)
 * and both share its maps.
 */
#include "shims/bpf/internal.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

struct elf {
    char *bytes;
    size_t size;
    const Elf64_Shdr *sections;
    size_t count;
};

/* Anything may stand in the file: nothing is read that is not inside of it. */
static bool contains(const struct elf *elf, uint64_t offset, uint64_t size)
{
    return offset <= elf->size && size <= elf->size - offset;
}

static bool elf_open(struct elf *elf, char *bytes, size_t size)
{
    const Elf64_Ehdr *header = (const void *)bytes;

    *elf = (struct elf){.bytes = bytes, .size = size};
    if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_BPF ||
        header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff % sizeof(uint64_t) ||
        !contains(elf, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
        return false;
    elf->sections = (const void *)(bytes + header->e_shoff);
    elf->count = header->e_shnum;
    for (size_t i = 0; i < elf->count; i++)
        if (elf->sections[i].sh_type != SHT_NOBITS &&
            !contains(elf, elf->sections[i].sh_offset, elf->sections[i].sh_size))
            return false;
    return header->e_shstrndx < elf->count;
}

static bool section_is(const struct elf *elf, size_t index, const char *name)
{
    const Elf64_Ehdr *header = (const void *)elf->bytes;
    const Elf64_Shdr *names = &elf->sections[header->e_shstrndx];
    size_t offset = elf->sections[index].sh_name, length = strlen(name) + 1;

    return offset <= names->sh_size && length <= names->sh_size - offset &&
           !memcmp(elf->bytes + names->sh_offset + offset, name, length);
}

static void weaken_symbols(const struct elf *elf, const Elf64_Shdr *table)
{
    Elf64_Sym *symbols = (void *)(elf->bytes + table->sh_offset);

    if (table->sh_offset % sizeof(uint64_t))
        return;
    for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++)
        if (symbols[i].st_shndx < elf->count && section_is(elf, symbols[i].st_shndx, ".maps") &&
            ELF64_ST_BIND(symbols[i].st_info) == STB_GLOBAL)
            symbols[i].st_info = ELF64_ST_INFO(STB_WEAK, ELF64_ST_TYPE(symbols[i].st_info));
}

static bool name_function(char *bytes, size_t size, unsigned slot)
{
    const size_t length = strlen(CALLOUT_SYMBOL);
    char *at = bytes;
    bool found = false;

    while ((at = memmem(at, bytes + size - at, CALLOUT_SYMBOL, length))) {
        at[length - 1] = '0' + slot;
        at += length;
        found = true;
    }
    return found;
}

int callout_prepare(char *bytes, size_t size, unsigned slot, struct shim_error *error)
{
    struct elf elf;

    if (!elf_open(&elf, bytes, size))
        return shim_fail(error, -ENOEXEC,
                         "the callout is no BPF object file: compile it with "
                         "clang -g -O2 -target bpf -c");
    if (!name_function(bytes, size, slot))
        return shim_fail(error, -EINVAL,
                         "the callout's object has no callout in it: include "
                         "openwfp_callout.h and write OPENWFP_CALLOUT(classify)");
    for (size_t i = 0; i < elf.count; i++)
        if (elf.sections[i].sh_type == SHT_SYMTAB)
            weaken_symbols(&elf, &elf.sections[i]);
    return 0;
}
