/*
 * The compiled policy as the kernel and user space both read it.
 *
 * A policy is one flat memory, addressed in units of 8 bytes. In the kernel it is in an arena, or,
 * before Linux 6.9, an array map of blocks; nothing that is read at once straddles two blocks. In
 * it are
 *
 *   the header     one word that says which version is in force;
 *   versions       per layer: its trees, what its filters look at; a commit makes a new one;
 *   filters        records in the order in which they are asked: layer by layer, sublayers from the
 *                  heaviest, in a sublayer filters from the heaviest. A record is a head and tests;
 *   trees          nodes that narrow a key down to a list of the few filters that can match it.
 *
 * A layer has several trees, because filters that are wide where others are narrow would stand in
 * too many leaves; every filter stands in one of them. A lookup takes from each tree the first
 * filter that matches, and of those the earliest decides (lookup.h).
 *
 * Small changes are made in place. Added filters are records and trees in the policy's reserve, the
 * overlay, and say before which record of the base they stand; a deleted filter's record gets the
 * number of the version from which on it is gone. The header's one word then puts all of it in
 * force at once.
 *
 * Everything matched is a number: a program's path is its number in the `apps` map, a user is a
 * uid, group security descriptors are bits. A field that does not apply (FWP_EMPTY) is absent.
 */
#ifndef OPENWFP_CLASSIFY_ABI_H
#define OPENWFP_CLASSIFY_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define CLASSIFY_CALLOUTS     8 /* in-kernel callout slots */
/* Of an answer's `registered`, by a callout in user space: as if the filter had not matched (7.7).
 */
#define CLASSIFY_PASSED_OVER  2u
#define CLASSIFY_NO_CALLOUT   0xffffffffu /* the filter's callout is not registered */
#define CLASSIFY_USER_CALLOUT 0xfffffffeu /* user space is asked: the classify stands still */

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
    __u64 present;               /* bit per slot; absent = FWP_EMPTY */
    __u64 value[CLASSIFY_SLOTS]; /* 0 where absent: the trees look at values only */
};

/* ---- memory ---- */

#define CLASSIFY_UNIT        8u
#define CLASSIFY_BLOCK       (1u << 22) /* bytes; the kernel map's value */
#define CLASSIFY_BLOCK_UNITS (CLASSIFY_BLOCK / CLASSIFY_UNIT)

struct classify_block {
    __u8 bytes[CLASSIFY_BLOCK];
};

/*
 * An arena is memory that programs and processes share, of 4 GiB and with the pages that were
 * touched. It begins with this head; places of equal size have room for an image each, so that one
 * can be written and another may still be read while a third is in force.
 */
#define CLASSIFY_MAP_TYPE_ARENA 33 /* BPF_MAP_TYPE_ARENA */
#define CLASSIFY_ARENA_PAGES    (1u << 20)
#define CLASSIFY_PLACES         4
#define CLASSIFY_PLACE          (1u << 30)
#define CLASSIFY_PLACE_HEAD     (1u << 16) /* bytes at the beginning of each, not the image's */

struct classify_arena {
    __u32 in_force;               /* offset of the image; 0: none is */
    __u32 pages[CLASSIFY_PLACES]; /* of a place, from the image's first on, that may be there */
};

/* Pages to be given back: what classify_forget() (forget.h) is run with. */
struct classify_forget {
    __u32 offset, pages;
};

/* A reference: what is there and its unit. 0 is nothing. */
#define CLASSIFY_REF_AT(ref)   ((ref)&0x3fffffffu)
#define CLASSIFY_REF_KIND(ref) ((ref)&0xc0000000u)
#define CLASSIFY_REF_NODE      0x00000000u
#define CLASSIFY_REF_FILTER    0x40000000u
#define CLASSIFY_REF_LIST      0x80000000u
#define CLASSIFY_REF_LAST      0xc0000000u /* in a list: its last filter */

#define CLASSIFY_LAYERS     128
#define CLASSIFY_BASE_TREES 8
#define CLASSIFY_TREES      12 /* with the overlay's */
#define CLASSIFY_DEPTH      20 /* nodes on a way down, at most */

struct classify_header {
    __u32 root;  /* unit of the version in force */
    __u32 block; /* 0: the number of the block that this is in */
};

struct classify_version {
    __u64 generation; /* of the policy; grows with every commit */
    __u32 number;     /* counts from 1 in this memory; filters that died at it or before are gone */
    __u32 group_bits; /* USER_BITS in use; 0 = the kernel need not look at groups */
    __u32 layer[CLASSIFY_LAYERS]; /* unit of the struct classify_layer by run-time id; 0: empty */
};

struct classify_tree {
    __u32 at;    /* reference: a tree may be a single list or filter */
    __u32 first; /* of the base's: unit of the earliest filter in it */
};

struct classify_layer {
    __u64 slots;      /* bit per slot that any test reads */
    __u32 protocols;  /* CLASSIFY_PROTOCOLS_*: which protocols a filter here can match */
    __u32 filters;    /* in force */
    __u16 base_trees; /* trees of the base come first, */
    __u16 trees;      /* behind them the overlay's */
    __u32 last;       /* number of the lightest sublayer: behind it comes nothing */
    struct classify_tree tree[CLASSIFY_TREES];
};

#define CLASSIFY_PROTOCOLS_TCP   1u
#define CLASSIFY_PROTOCOLS_UDP   2u
#define CLASSIFY_PROTOCOLS_OTHER 4u

/* ---- filters ---- */

#define CLASSIFY_ALIVE 0xffffffffu

struct classify_filter {
    __u32 end; /* unit of the base's record behind the filter's sublayer */
    union {
        __u32 died;   /* base: number of the version from which it is gone; CLASSIFY_ALIVE */
        __u32 before; /* overlay: unit of the base's record that it precedes; neither is ever 0 */
    };
    __u64 id;
    __u16 type;     /* FWP_ACTION_TYPE */
    __u16 flags;    /* FWPM_FILTER_FLAG_* */
    __u16 sublayer; /* the same number in the same layer: the same sublayer */
    __u16 units;    /* of tests; they stand behind the head, or behind the callout */
};

/* Behind the head of a filter whose type has FWP_ACTION_FLAG_CALLOUT. */
struct classify_callout {
    __u64 context; /* rawContext or provider context id */
    __u32 slot;    /* CLASSIFY_NO_CALLOUT: not registered */
    __u32 id;      /* FWPS callout id */
};

/*
 * All tests of a filter must hold. An absent field fails every test but ABSENT and ALWAYS.
 * Alternatives are said with TRY: it tells where to go after the next test, as indexes into the
 * filter's tests.
 */
enum classify_op {
    CLASSIFY_NEVER,
    CLASSIFY_PREFIX, /* v >> small == value */
    CLASSIFY_SMALL,  /* small <= v <= value */
    CLASSIFY_ALWAYS,
    CLASSIFY_ABSENT,    /* the field is FWP_EMPTY */
    CLASSIFY_PREFIX64,  /* v >> small == next unit */
    CLASSIFY_RANGE,     /* first unit behind <= v <= second */
    CLASSIFY_RANGE128,  /* slot and slot + 1 as one number; behind: lo high, lo low, hi high, … */
    CLASSIFY_FLAGS_ALL, /* mask = value << small: (v & mask) == mask */
    CLASSIFY_FLAGS_ANY,
    CLASSIFY_FLAGS_NONE,
    CLASSIFY_TRY, /* small: next unit if the test behind holds, value: if not */
};

#define CLASSIFY_NOT   0x80u   /* with an op: the test is negated (of a present field) */
#define CLASSIFY_FAILS 0xffffu /* TRY: the filter does not match */

struct classify_test {
    __u8 op;
    __u8 slot;
    __u16 small;
    __u32 value;
};

#define CLASSIFY_NEAR_UNITS 24 /* a longer filter is read block by block */
#define CLASSIFY_TEST_UNITS 6  /* the longest test, with its TRY; so much can be read anywhere */

/* What a lookup reads of a filter at once: so much is there behind the start of each. */
struct classify_record {
    struct classify_filter head;
    __u64 body[2 + CLASSIFY_NEAR_UNITS + CLASSIFY_TEST_UNITS];
};

/* ---- trees ---- */

/*
 * A leaf with several filters is a list of these, in the filters' order, the last one marked. A
 * filter can match only if (v >> shift & CLASSIFY_ENTRY_MASK) == value, so that most filters that
 * don't match need not be read. A list may go on from one block into the next.
 */
struct classify_entry {
    __u32 ref;
    __u32 value : 21;
    __u32 shift : 6;
    __u32 slot : 5;
};

#define CLASSIFY_ENTRY_MASK 0x1fffffu

enum classify_cut {
    CLASSIFY_CUT,   /* child 1 + ((v - lo) >> shift), child 0 outside of 1 … count */
    CLASSIFY_SPLIT, /* child v >= lo */
    CLASSIFY_BIT,   /* child v >> shift & 1 */
};

/* Followed by 1 + count references, a __u32 each. */
struct classify_node {
    __u8 slot;
    __u8 shift : 6;
    __u8 cut : 2;
    __u16 count;
    __u32 first; /* unit of the earliest filter below */
    __u64 lo;
};

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
