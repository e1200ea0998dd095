/*
 * The header for callouts in the kernel: small C files compiled to BPF.
 *
 *     #include <linux/bpf.h>
 *     #include <bpf/bpf_helpers.h>
 *     #include "openwfp_callout.h"
 *
 *     OPENWFP_CALLOUT(classify)
 *     {
 *         if (openwfp_has(classify, OPENWFP_REMOTE_PORT) &&
 *             classify->value[OPENWFP_REMOTE_PORT] == 25)
 *             openwfp_block(classify);
 *         return 0;
 *     }
 *
 * The function runs for each operation that matches a filter whose action names the callout, in
 * whatever context the operation has (a process's system call or a packet). It sees the layer, the
 * fields and the filter, and answers with an action. What the engine makes of the answer are WFP's
 * rules (Microsoft's pages "Filter arbitration" and "FWPS_CLASSIFY_OUT0"):
 *   - it starts as OPENWFP_ACTION_NONE: no opinion, the next filter is asked;
 *   - permit and block are soft; openwfp_harden() gives up the right, so that lighter sublayers
 *     can't change the action;
 *   - when `rights` is 0 on entry somebody heavier has decided: only a block counts, as a veto;
 *   - behind a FWP_ACTION_CALLOUT_INSPECTION filter whatever is written counts as no opinion.
 *
 * A callout is a global BPF function: the verifier checks it by itself, it may use at most 128
 * bytes of stack, and only helpers that every program type of the shim has: maps, time, ring
 * buffers. A map's name must be unlike any other callout's: begin it with the callout's own name.
 */
#ifndef OPENWFP_CALLOUT_H
#define OPENWFP_CALLOUT_H

#define OPENWFP_ACTION_BLOCK  0x1001u
#define OPENWFP_ACTION_PERMIT 0x1002u
#define OPENWFP_ACTION_NONE   7u

#define OPENWFP_RIGHT_ACTION_WRITE 1u

/* The fields, as indexes of value[]; see openwfp_has(). */
enum openwfp_field {
    OPENWFP_PROTOCOL,          /* IPPROTO_* */
    OPENWFP_LOCAL_PORT,        /* host order; ICMP: type */
    OPENWFP_REMOTE_PORT,       /* host order; ICMP: code */
    OPENWFP_FLAGS,             /* FWP_CONDITION_FLAG_* */
    OPENWFP_LOCAL_ADDRESS,     /* IPv4: host order; IPv6: first 8 bytes as a number */
    OPENWFP_LOCAL_ADDRESS_LOW, /* IPv6: last 8 bytes as a number */
    OPENWFP_REMOTE_ADDRESS,    /* likewise */
    OPENWFP_REMOTE_ADDRESS_LOW,
    OPENWFP_APP,                      /* the program's number, the same for the same path */
    OPENWFP_UID,                      /* effective user id */
    OPENWFP_USER_BITS,                /* internal */
    OPENWFP_LOCAL_ADDRESS_TYPE,       /* NL_ADDRESS_TYPE */
    OPENWFP_DESTINATION_ADDRESS_TYPE, /* NL_ADDRESS_TYPE */
    OPENWFP_INTERFACE_INDEX,
    OPENWFP_INTERFACE_TYPE,
    OPENWFP_LOCAL_INTERFACE,
    OPENWFP_COMPARTMENT, /* inode number of the network namespace */
    OPENWFP_DIRECTION,   /* 0 outbound, 1 inbound */
    OPENWFP_PROMISCUOUS,
    OPENWFP_REAUTHORIZE_REASON,
    OPENWFP_FIELDS
};

/* The fields are for reading: what is written there, later filters see. */
struct openwfp_classify {
    __u64 present;               /* bit per field that this operation has */
    __u64 value[OPENWFP_FIELDS]; /* of the present fields */
    __u64 filter_id;
    __u64 filter_context; /* the filter's rawContext */
    __u32 layer;          /* run-time layer id, FWPS_LAYER_* */
    __u32 action;         /* in: NONE; out: OPENWFP_ACTION_* */
    __u32 rights;         /* in and out: OPENWFP_RIGHT_ACTION_WRITE or 0 */
    __u32 absorb;         /* out: 1 = a block is reported nowhere */
    __u32 registered;     /* internal */
    __u32 pad;
};

/* Defines the callout: the function's body follows, with `name` as its argument; it returns 0. */
#define OPENWFP_CALLOUT(name)                                                                      \
    static __attribute__((always_inline)) inline int openwfp_callout_body(                         \
        struct openwfp_classify *name);                                                            \
    __attribute__((noinline)) int openwfp_callout_N(struct openwfp_classify *name)                 \
    {                                                                                              \
        return name ? openwfp_callout_body(name) : 0;                                              \
    }                                                                                              \
    static __attribute__((always_inline)) inline int openwfp_callout_body(                         \
        struct openwfp_classify *name)

#define openwfp_has(classify, field) ((classify)->present >> (field)&1)

static __attribute__((always_inline)) inline void openwfp_permit(struct openwfp_classify *classify)
{
    classify->action = OPENWFP_ACTION_PERMIT;
}

static __attribute__((always_inline)) inline void openwfp_block(struct openwfp_classify *classify)
{
    classify->action = OPENWFP_ACTION_BLOCK;
}

static __attribute__((always_inline)) inline void openwfp_harden(struct openwfp_classify *classify)
{
    classify->rights = 0;
}

#endif
