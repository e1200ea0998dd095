/*
 * What the kernel programs and the loader share: the values of the maps and the event record.
 * A change of any size or meaning here, or in classify/abi.h, raises ALE_ABI: pins of another
 * number are never adopted. But another version, when it takes over (succeed.c), reads ale_state's
 * abi, ale_held_key's cookie, ale_flow and ale_flow_key: what changes those changes their size.
 */
#ifndef OPENWFP_ALE_ABI_H
#define OPENWFP_ALE_ABI_H

#include "classify/abi.h"

#define ALE_ABI    9
#define ALE_PATH   256
#define ALE_GROUPS 32
#define ALE_APPS   32768
#define ALE_APPS_LEARNED                                                                           \
    24576 /* numbers above are for names in the policy: spam can't take them                       \
           */
#define ALE_ENDPOINTS     16384
#define ALE_FLOWS         65536
#define ALE_LED           16384 /* flows that were led elsewhere, the last ones */
#define ALE_CALLERS       4096  /* tasks, where there is no storage with each */
#define ALE_RING          (1u << 18)
#define ALE_LOG           8192u /* a power of two */
#define ALE_LOG_SPARE     512u  /* so many programs may be writing at once */
#define ALE_CALLOUT_BYTES ((256u << 10) - 8)

/* One word that the loader and all programs share; both sides change it only by atomic add. */
struct ale_state {
    __u32 abi;
    __u32 collect;      /* SHIM_COLLECT_* */
    __u32 next_app;     /* the number the next unseen program gets */
    __u32 loaded;       /* a policy was committed: from now on no policy means block */
    __u64 lost;         /* events that found the log full */
    __u64 host_mounts;  /* inode number of the loader's mount namespace */
    __u64 scope;        /* enum shim_scope */
    __u64 scope_cookie; /* cookie of the only covered network namespace; 0 = all */
    __u64 scope_cgroup; /* id of the cgroup the hooks are attached to */
    __u32 remember;     /* ALE_REMEMBER_* */
    __u32 asking;       /* somebody answers questions */
    __u64 operations;   /* numbers given to held operations */
    __u64 held;         /* operations whose packets wait or are dropped, now */
    __u32 origin;       /* enum shim_origin */
    __u32 image;        /* of the boot image in force: its checksum */
};

/* What has to be kept for later hooks. Socket storage is by far the dearest thing a connect can pay
 * for, so it is made only for hooks that are attached. */
#define ALE_REMEMBER_TCP      1u  /* owners of TCP sockets that connect or bind */
#define ALE_REMEMBER_OTHER    2u  /* owners of all other sockets */
#define ALE_REMEMBER_GROUPS   4u  /* the policy names groups */
#define ALE_ASSIGN_FILTERED   8u  /* the policy has filters at RESOURCE_ASSIGNMENT */
#define ALE_REDIRECT_FILTERED 16u /* and at CONNECT_REDIRECT */

/* Who makes a call, or made the last one on a socket. */
struct ale_identity {
    union {
        struct {
            __u32 app; /* number of the program, 0 = unknown */
            __u32 uid; /* effective user */
        };
        __u64 who; /* both at once: a reader never sees one process's app with another's uid */
    };
    __u64 start_time; /* of the process, boot clock */
    __u64 cgroup;
    __u32 pid, gid;
    __u32 group_count;
    __u32 groups[ALE_GROUPS];
    char comm[16];
};

#define ALE_SOCKET_BOUND     2u  /* RESOURCE_ASSIGNMENT was permitted; release is due */
#define ALE_SOCKET_CONNECTED 4u  /* TCP: a flow or a listener; closure is due */
#define ALE_SOCKET_REFUSED   8u  /* AUTH_LISTEN said no: every peer is refused */
#define ALE_SOCKET_ASKED     16u /* its bind or listen is or was asked about in user space */

/* Socket storage. Addresses are in v6 form (IPv4 as v4-mapped), ports in host order. */
struct ale_socket {
    struct ale_identity owner;
    __u64 cookie;
    __u64 netns_cookie;
    __u64 connected; /* generation that permitted the peer of a connected datagram socket */
    __u32 netns;     /* inode number */
    __u32 flags;     /* ALE_SOCKET_* */
    __u16 local_port, remote_port;
    __u8 family; /* 4 or 6: the layers' */
    __u8 protocol;
    __u8 pad[2];
    __u8 local[16], remote[16];
};

/* A socket with a peer, and a process that holds it; what the iterator over flows writes. */
struct ale_live {
    __u64 cookie, netns_cookie, cgroup, start_time;
    __u32 netns, pid, uid;
    __u16 local_port, remote_port;
    __u8 family, protocol;
    __u8 blocked; /* the policy in force wouldn't permit it */
    __u8 pad;
    __u32 bound; /* the interface that the socket is bound to */
    __u8 local[16], remote[16];
};

/* A TCP socket in a process's file table. */
struct ale_found {
    __u32 pid, fd, netns;
    __u32 unsettled; /* it can't be told yet whether this will be a connection */
};

struct ale_flow_key {
    __u64 cookie;
    __u8 remote[16];
    __u16 port; /* ICMP echo: the id */
    __u8 protocol;
    __u8 pad[5];
};

struct ale_flow {
    __u64 generation;
    __u64 used;     /* monotonic clock */
    __u32 outbound; /* made at AUTH_CONNECT, not at AUTH_RECV_ACCEPT */
    __u32 pad;
};

struct ale_peer {
    __u8 address[16]; /* v6 form */
    __u16 port;
    __u8 pad[6];
};

/* Listeners, for the lookup hook, which sees no sockets. */
struct ale_endpoint_key {
    __u64 netns_cookie;
    __u8 address[16];
    __u16 port;
    __u8 pad[6];
};

struct ale_endpoint {
    struct ale_identity owner;
    __u64 cookie;
    __u32 netns;
    __u8 family;
    __u8 v6only;
    __u8 refused;
    __u8 shared; /* several sockets listen here: only the packet hook knows which one it is */
};

struct ale_path {
    char text[ALE_PATH]; /* zero padded */
};

/* The group conditions that a group satisfies: of the policy with an even generation, and of the
 * one with an odd, so that the old and the new policy never read each other's. */
struct ale_group {
    __u64 bits[2];
};

struct ale_file {
    __u64 dev; /* as the kernel's super block has it */
    __u64 ino;
};

/* A callout's object file, kept with the pins so that adopting them can link it again. */
struct ale_callout_object {
    __u32 size; /* 0 = slot is free */
    __u32 pad;
    __u8 bytes[ALE_CALLOUT_BYTES];
};

/* ---- operations that user space answers ---- */

#define ALE_HELD       32768 /* operations that wait at once, */
#define ALE_HELD_APP   16384 /* of one program, */
#define ALE_HELD_USER  8192  /* of one user other than root, */
#define ALE_HELD_USERS 24576 /* of all of these */
#define ALE_USER_SLOTS 1024  /* they are counted by their number modulo this */
#define ALE_ASKS       (4u << 20)

/* How an operation stands still while it is asked about. */
enum ale_hold {
    ALE_HOLD_QUEUE,  /* its packets wait in a netfilter queue; the system call went on */
    ALE_HOLD_DROP,   /* its packets are dropped until there is an answer */
    ALE_HOLD_LATER,  /* it was done; a block destroys the socket */
    ALE_HOLD_NOTICE, /* likewise, and nothing about the socket waits meanwhile */
};

/* What is asked about: one operation of a socket, towards one peer. */
struct ale_held_key {
    __u64 cookie;
    __u8 remote[16]; /* v6 form; zero where there is no peer */
    __u16 port;
    __u16 layer; /* as V4 */
    __u8 protocol;
    __u8 pad[3];
};

enum ale_ask_kind {
    ALE_ASK,         /* a callout of user space is to be asked */
    ALE_ASK_PACKET,  /* a packet of an operation is on its way into the queue */
    ALE_ASK_NETWORK, /* nothing can be held in this network namespace yet: nobody queues there */
    ALE_ASK_CLOSED,  /* a socket that is watched was closed */
};

/* The classify that stands still: whose callout is to be asked, about what. */
struct ale_ask {
    __u32 kind;      /* enum ale_ask_kind */
    __u32 hold;      /* enum ale_hold */
    __u64 operation; /* number, from 1, never given twice */
    struct ale_held_key key;
    struct classify_key fields;
    __u64 time; /* monotonic clock */
    __u64 filter_id, filter_context;
    __u64 start_time, cgroup, netns_cookie;
    __u8 local[16], remote[16]; /* v6 form */
    __u16 local_port, remote_port;
    __u16 layer;            /* run-time id */
    __u8 family, direction; /* 4 or 6: the layer's; FWP_DIRECTION_* */
    __u16 filter_flags, filter_type;
    __u32 callout_id, rights;
    __u32 pid, uid, gid;
    __u32 netns, ifindex, app;
    char comm[16];
};

/* For ALE_ASK_PACKET: how the reader of the queue knows the packet. In the packet's direction. */
struct ale_ask_packet {
    __u32 kind;
    __u32 netns;
    __u64 operation;
    __u8 source[16], destination[16]; /* v6 form */
    __u16 source_port, destination_port;
    __u8 protocol;
    __u8 pad[3];
};

enum ale_answer_mode {
    ALE_ANSWER,  /* what the callout said; the classify goes on behind it */
    ALE_RESTART, /* the classify begins anew, with the flag REAUTHORIZE and `reason` */
    ALE_PERMIT,  /* it is decided, */
    ALE_BLOCK,   /* either way */
    ALE_FORGET,  /* nobody waits any more */
    ALE_SHOW,    /* nothing; the question is told again */
};

/* What was decided about an operation whose packets come by again (ALE_HOLD_DROP, and inbound ones
 * of ALE_HOLD_QUEUE) holds so long for them. */
#define ALE_DECISION_LIFE 10000000000ull /* ns */

enum ale_outcome {
    ALE_OUTCOME_GONE,      /* there is no such operation */
    ALE_OUTCOME_ASK,       /* the next callout: `next` */
    ALE_OUTCOME_PERMITTED, /* it is no longer held */
    ALE_OUTCOME_BLOCKED,
};

/* The context of the program that goes on with a classify. */
struct ale_answer {
    struct ale_held_key key;
    __u64 operation;                          /* as in the question; 0 = whichever the key has */
    __u32 mode;                               /* enum ale_answer_mode */
    __u32 reason;                             /* FWP_CONDITION_REAUTHORIZE_REASON_*; 0 = none */
    __u32 action, rights, absorb, registered; /* struct classify_answer */
    __u32 outcome;                            /* out: enum ale_outcome */
    __u16 redirected, redirect_port;          /* at CONNECT_REDIRECT: to another peer, */
    __u8 redirect[16];                        /* this one, in v6 form */
    struct ale_ask next; /* out: the next question; of a block, the socket that has to go */
};

enum ale_event_kind {
    ALE_CLASSIFIED,
    ALE_NAMESPACE, /* somebody listens in a network namespace without an accept hook */
    ALE_DESTROY,   /* the socket must go: a refused listener, a refused flow */
};

struct ale_event {
    __u64 number; /* in the log: which event it is, from 1; the last thing to be written */
    __u64 time;   /* monotonic clock */
    __u64 filter_id;
    __u64 start_time;
    __u64 cgroup;
    __u64 cookie;
    __u8 local[16], remote[16]; /* network order, IPv4 in the first four bytes */
    __u16 local_port, remote_port;
    __u16 layer, flags;
    __u8 kind, action; /* enum ale_event_kind, enum shim_action */
    __u8 protocol, family, direction;
    __u8 pad;
    __u16 reauthorize_reason; /* FWP_CONDITION_REAUTHORIZE_REASON_* */
    __u32 condition_flags;
    __u32 pid, uid, gid;
    __u32 netns, ifindex;
    __u32 app;
    __u32 callout_id;
    char comm[16];
};

/*
 * Classify events: a ring of our own, because the kernel's takes a lock and two helper calls, a
 * third of what a connect costs. A writer takes a number by atomic add, fills the event that the
 * number stands for, and writes the number into it. The reader goes on as long as the next number
 * is there.
 */
struct ale_log {
    __u64 head; /* numbers given out */
    __u64 pad[7];
    __u64 tail; /* events that were read */
    __u64 pad2[7];
    struct ale_event events[ALE_LOG];
};

#endif
