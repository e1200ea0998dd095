/*
 * The compiled policy as the kernel and user space both read it.
 *
 * A policy is one flat array of equal elements. The first CLASSIFY_DIRECTORY elements are the
 * directory, one per run-time layer id (FWPS_LAYER_*); the last directory element is the header of
 * the whole policy. Behind the directory each layer has a run of TEST and ACTION elements: the
 * layer's filters, sublayer by sublayer from the heaviest down, inside a sublayer filter by filter
 * from the heaviest down. A filter is its TEST elements followed by one ACTION.
 *
 * Whoever walks a layer starts at its first element and follows on_match / on_miss until it stands
 * on the layer's end. All jumps go forward, so a walk always ends.
 *
 * Everything matched is a number: a program's path is its number in the `apps` map, a user is a
 * uid, group security descriptors are bits. A field that does not apply (FWP_EMPTY) is absent.
 */
#ifndef OPENWFP_CLASSIFY_ABI_H
#define OPENWFP_CLASSIFY_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define CLASSIFY_DIRECTORY  128 /* elements 0..126: run-time layer ids; 127: header */
#define CLASSIFY_HEADER     127
#define CLASSIFY_CALLOUTS   8           /* in-kernel callout slots */
#define CLASSIFY_NO_CALLOUT 0xffffffffu /* the filter's callout is not registered */

/* What a key can hold, by slot. Addresses take two slots: high half, low half. */
enum classify_slot {
    CLASSIFY_PROTOCOL,
    CLASSIFY_LOCAL_PORT,    /* host order; ICMP type for ICMP */
    CLASSIFY_REMOTE_PORT,   /* host order; ICMP code for ICMP */
    CLASSIFY_FLAGS,         /* FWP_CONDITION_FLAG_* */
    CLASSIFY_LOCAL_ADDRESS, /* V4 layers: host order, here; V6: the halves as big-endian numbers */
    CLASSIFY_LOCAL_ADDRESS_LOW,
    CLASSIFY_REMOTE_ADDRESS,
    CLASSIFY_REMOTE_ADDRESS_LOW,
    CLASSIFY_APP, /* number in the apps map; 0 = unknown program */
    CLASSIFY_UID,
    CLASSIFY_USER_BITS,                /* which group security descriptors the user satisfies */
    CLASSIFY_LOCAL_ADDRESS_TYPE,       /* NL_ADDRESS_TYPE */
    CLASSIFY_DESTINATION_ADDRESS_TYPE, /* NL_ADDRESS_TYPE */
    CLASSIFY_INTERFACE_INDEX,
    CLASSIFY_INTERFACE_TYPE,
    CLASSIFY_LOCAL_INTERFACE, /* NET_LUID: the interface index */
    CLASSIFY_COMPARTMENT,     /* network namespace inode number */
    CLASSIFY_DIRECTION,       /* FWP_DIRECTION_* */
    CLASSIFY_PROMISCUOUS,
    CLASSIFY_REAUTHORIZE_REASON,
    CLASSIFY_SLOTS
};

struct classify_key {
    __u64 present; /* bit per slot; absent = FWP_EMPTY */
    __u64 value[CLASSIFY_SLOTS];
};

enum classify_kind { CLASSIFY_UNUSED, CLASSIFY_LAYER, CLASSIFY_TEST, CLASSIFY_ACTION };

enum classify_op {
    CLASSIFY_IN_RANGE, /* lo[0] <= v <= hi[0] */
    CLASSIFY_NOT_IN_RANGE,
    CLASSIFY_FLAGS_ALL_SET, /* (v & lo[0]) == lo[0] */
    CLASSIFY_FLAGS_ANY_SET,
    CLASSIFY_FLAGS_NONE_SET,
    CLASSIFY_IN_RANGE128, /* slot, slot + 1 as one 128-bit number; lo/hi: [0] high, [1] low */
    CLASSIFY_NOT_IN_RANGE128,
    CLASSIFY_ABSENT, /* the field is FWP_EMPTY */
    CLASSIFY_NEVER,
    CLASSIFY_ALWAYS,
};

struct classify_element {
    __u8 kind; /* enum classify_kind */
    __u8 op;   /* TEST: enum classify_op */
    __u8 slot; /* TEST: enum classify_slot */
    __u8 pad;
    __u32 on_match; /* TEST: next element; ACTION: where the next sublayer begins */
    __u32 on_miss;  /* TEST: next element; ACTION that does not terminate: next element */
    __u32 callout;  /* ACTION: callout slot or CLASSIFY_NO_CALLOUT */
    union {
        struct {
            __u64 lo[2], hi[2];
        } test; /* an absent field fails every test but CLASSIFY_ABSENT */
        struct {
            __u64 filter_id;
            __u64 context;    /* rawContext or provider context id, for callouts */
            __u32 type;       /* FWP_ACTION_TYPE */
            __u32 flags;      /* FWPM_FILTER_FLAG_* */
            __u32 callout_id; /* FWPS callout id, 0 when none */
            __u16 sublayer_weight;
            __u16 pad;
        } action;
        struct {
            __u32 first, end; /* elements [first, end) */
            __u32 filters;
            __u32 protocols; /* CLASSIFY_PROTOCOLS_*: which protocols a filter here can match */
            __u64 slots;     /* bit per slot that any test reads */
            __u64 pad;
        } layer;
        struct {
            __u64 generation; /* of the policy; grows with every commit */
            __u32 elements;
            __u32 group_bits; /* USER_BITS in use; 0 = the kernel need not look at groups */
            __u64 pad[2];
        } header;
    };
};

/*
 * The kernel's copy: an array map of blocks, so that most steps of a walk need no map lookup. An
 * image's element count is a multiple of CLASSIFY_BLOCK.
 */
#define CLASSIFY_BLOCK 16

struct classify_block {
    struct classify_element elements[CLASSIFY_BLOCK];
};

#define CLASSIFY_PROTOCOLS_TCP   1u
#define CLASSIFY_PROTOCOLS_UDP   2u
#define CLASSIFY_PROTOCOLS_OTHER 4u

/* A classify's outcome and, while it runs, its arbitration state (semantics 6.x). */
struct classify_result {
    __u32 action;     /* FWP_ACTION_PERMIT, _BLOCK, or _NONE_NO_MATCH (the layer permits) */
    __u32 rights;     /* FWPS_RIGHT_ACTION_WRITE while lighter sublayers may change the action */
    __u64 filter_id;  /* whose action stands; 0 with NONE_NO_MATCH */
    __u32 flags;      /* CLASSIFY_RESULT_* */
    __u32 callout_id; /* of the filter whose action stands, 0 when none */
};

#define CLASSIFY_RESULT_VETO   1u /* a callout blocked with the right already clear (6.8) */
#define CLASSIFY_RESULT_SILENT 2u /* FWPS_CLASSIFY_OUT_FLAG_ABSORB: no event (13.5) */
#define CLASSIFY_RESULT_BROKEN 4u /* the policy could not be walked to its end: blocked */

#endif
