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

/* The long way through a turn comes first: then its end is remembered, and the short ways that are
 * followed later end there. */
#define CLASSIFY_RARELY(condition) __builtin_expect(condition, 0)
#define CLASSIFY_MOSTLY(condition) __builtin_expect(condition, 1)

#endif
