/*
 * A BPF program that gives pages of the policies' arena back, for which there is no system call. To
 * be included behind kernel.h.
 */
#ifndef OPENWFP_CLASSIFY_FORGET_H
#define OPENWFP_CLASSIFY_FORGET_H

#ifdef CLASSIFY_ARENA
extern void bpf_arena_free_pages(void *map, void *pages, __u32 count) __ksym;

SEC("syscall") int classify_forget(struct classify_forget *what)
{
    bpf_arena_free_pages(&policy, (void *)classify_arena_at(what->offset), what->pages);
    return 0;
}
#endif

#endif
