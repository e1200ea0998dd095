/*
 * What the kernel's verifier needs of the lookup, which is plain C otherwise.
 *
 * The verifier follows every path through a loop's every turn, but what comes to a place where it
 * has been in the same state. It remembers states only now and then, so paths that join soon cost
 * little, and many short ones through a long loop much. Kernels from 6.9 on have an instruction for
 * loops (may_goto) that are followed only until a turn is like one before it: with
 * CLASSIFY_MAY_GOTO the lookup uses it, and is verified with a fifth of the work. Others get loops
 * with a bound.
 */
#ifndef OPENWFP_CLASSIFY_VERIFIER_H
#define OPENWFP_CLASSIFY_VERIFIER_H

#include "arbitrate.h"

/* A loop that the body leaves; not bounded by CLASSIFY_MAY_GOTO, else of `most` turns. */
#ifdef CLASSIFY_MAY_GOTO
static __always_inline bool classify_may_go(void)
{
    __asm__ goto("1: .byte 0xe5; .byte 0; .long ((%l[stop] - 1b - 8) / 8) & 0xffff; .short 0"
                 :
                 :
                 :
                 : stop);
    return true;
stop:
    return false;
}
#define CLASSIFY_TURNS(i, most) while (classify_may_go())
#else
#define CLASSIFY_TURNS(i, most) for (int i = 0; i < (most); i++)
#endif

/* What is checked of the number behind this is what is used, and is checked here and not before. */
#ifdef __bpf__
#define CLASSIFY_OPAQUE(number) __asm__ volatile("" : "+r"(number))
#else
#define CLASSIFY_OPAQUE(number)
#endif

/*
 * 0, but not to the verifier: a number that was combined with it is any number, and of cases that
 * need not be told apart only one is followed.
 */
#ifdef __bpf__
#define classify_zero(walk) (*(const volatile __u64 *)&(walk)->zero)
#else
#define classify_zero(walk) ((__u64)0)
#endif

/*
 * The policy's memory in an arena, which programs read as their own: the kernel keeps them inside
 * of it and a page that is not there reads as zero. classify_arena_at() is what is at the offset. A
 * checked function's argument that points into it is marked with CLASSIFY_MEMORY and is a number
 * to the verifier until it has been through classify_reach().
 */
#ifdef CLASSIFY_ARENA
#define CLASSIFY_MEMORY __attribute__((btf_decl_tag("arg:arena")))

static __always_inline const void *classify_arena_at(__u64 offset)
{
    const void *at = (const void *)offset;

    /* addr_space_cast, which compilers before clang 19 don't know */
    __asm__ volatile(".byte 0xbf;"
                     ".ifc %[at], r0; .byte 0x00; .endif;"
                     ".ifc %[at], r1; .byte 0x11; .endif;"
                     ".ifc %[at], r2; .byte 0x22; .endif;"
                     ".ifc %[at], r3; .byte 0x33; .endif;"
                     ".ifc %[at], r4; .byte 0x44; .endif;"
                     ".ifc %[at], r5; .byte 0x55; .endif;"
                     ".ifc %[at], r6; .byte 0x66; .endif;"
                     ".ifc %[at], r7; .byte 0x77; .endif;"
                     ".ifc %[at], r8; .byte 0x88; .endif;"
                     ".ifc %[at], r9; .byte 0x99; .endif;"
                     ".short 1; .long 1"
                     : [at] "+r"(at));
    return at;
}
#define classify_reach(pointer) classify_arena_at((__u64)(pointer))
#else
#define CLASSIFY_MEMORY
#define classify_reach(pointer) (pointer)
#endif

/* The long way through a turn comes first: then its end is remembered, and the short ways that are
 * followed later end there. */
#define CLASSIFY_RARELY(condition) __builtin_expect(condition, 0)
#define CLASSIFY_MOSTLY(condition) __builtin_expect(condition, 1)

#endif
