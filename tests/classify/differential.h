/* What the three sides of the differential test share: batch size and scripted callouts. */
#ifndef OPENWFP_DIFFERENTIAL_H
#define OPENWFP_DIFFERENTIAL_H

#include <linux/types.h>

#define DIFFERENTIAL_KEYS 512

/* A filter's context: bits 0-2 the action, bit 3 gives up the right, bit 4 absorbs,
 * bit 5 keeps quiet when the right is gone. */
enum { SCRIPT_NONE, SCRIPT_PERMIT, SCRIPT_BLOCK, SCRIPT_CONTINUE, SCRIPT_ACTIONS };
#define SCRIPT_HARDEN 8u
#define SCRIPT_ABSORB 16u
#define SCRIPT_POLITE 32u

static inline void scripted_answer(__u64 script, __u32 *action, __u32 *rights, __u32 *absorb)
{
    __u32 which = script & 7;
    if ((script & SCRIPT_POLITE) && *rights == 0)
        return;
    if (which == SCRIPT_PERMIT)
        *action = 0x1002;
    else if (which == SCRIPT_BLOCK)
        *action = 0x1001;
    else if (which == SCRIPT_CONTINUE)
        *action = 0x2006;
    if (script & SCRIPT_HARDEN)
        *rights = 0;
    if (script & SCRIPT_ABSORB)
        *absorb = 1;
}

#endif
