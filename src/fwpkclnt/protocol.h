/*
 * What the engine and a host of callouts say to each other over a SOCK_SEQPACKET socket: one
 * message, one packet; both run on one machine from one build. A host is a driver's process, or
 * bfe's own broker of `hold` filters. Neither side believes the other's sizes.
 *
 * The way of an operation; > is to the host, < from it:
 *
 *     > CLASSIFY    the callout is asked; only one classify of an operation at a time.
 *     < ANSWER      With its action: the classify goes on, perhaps to other callouts.
 *                   Or pended: nothing goes on until
 *     < COMPLETE    exactly once, by the host that pended. With a decision, which stands. Or
 *                   without: the layer is classified again (reason CLASSIFY_COMPLETION); but of
 *                   an AUTH_RECV_ACCEPT that was shown with its packet, the packet decides:
 *     < PACKET      it, as it is to go on. Waits for the operation's permit; at
 *                   AUTH_RECV_ACCEPT it is itself classified again (DRIVER_INJECTED).
 *     > DECIDED     how a pended operation ended.
 *
 * `round` counts the classifies of an operation; an answer to an earlier round is ignored.
 */
#ifndef OPENWFP_DRIVER_PROTOCOL_H
#define OPENWFP_DRIVER_PROTOCOL_H

#include "shims/bpf/abi.h"

#define DRIVER_PACKET_MAX 65535u

enum driver_message_kind {
    /* to the host */
    DRIVER_CLASSIFY = 1,
    DRIVER_DECIDED,
    DRIVER_FLOW_DELETE,
    DRIVER_NOTIFY,
    DRIVER_STATE,
    /* from the host */
    DRIVER_ANSWER,
    DRIVER_COMPLETE,
    DRIVER_PACKET,
    DRIVER_FLOW_ASSOCIATE,
    DRIVER_FLOW_REMOVE,
    DRIVER_FLOW_ABORT,
};

struct driver_header {
    __u32 kind; /* enum driver_message_kind */
    __u32 size; /* of the whole message */
    __u64 operation;
};

#define DRIVER_CAN_PEND            1u /* else STATUS_FWP_CANNOT_PEND */
#define DRIVER_INJECTED            2u /* the packet is the host's own, coming back */
#define DRIVER_NOTICE              4u /* nothing waits: a block ends the socket */
/* At CONNECT_REDIRECT: the connect is a redirected one's proxy's own, to which this host, or
 * another one, has redirected before; redirecting it again would go round in circles. */
#define DRIVER_REDIRECTED_BY_SELF  8u
#define DRIVER_REDIRECTED_BY_OTHER 16u

/* At CONNECT_REDIRECT, with a permit: another peer than the one that was asked for. */
struct driver_redirect {
    __u8 address[16]; /* v6 form, of the family of the one asked for */
    __u16 port;
    __u16 redirected; /* 0: there is none */
    __u32 target_pid; /* the local process that takes it over; 0 = none */
    __u64 filter_id;  /* to the host: of who did it */
};

struct driver_classify {
    struct driver_header header;
    __u32 round;
    __u32 flags;        /* DRIVER_CAN_PEND, … */
    __u64 flow_context; /* what was associated with the flow for this callout; 0 = none */
    struct ale_ask ask; /* fields, metadata, filter; the flow is ask.key.cookie, and
                         * ask.key.remote the peer that the program has asked for */
    struct driver_redirect redirect; /* by another callout, before */
    char app[ALE_PATH];              /* canonical path, "" = unknown */
    __u32 packet_size; /* 0 = there is no packet; else from the IP header on, behind this */
    __u32 pad;
};

/* How a pended operation ended; nothing more comes for it. */
struct driver_decided {
    struct driver_header header;
    __u32 permitted;
    __u32 timed_out; /* the engine decided */
};

struct driver_flow_delete {
    struct driver_header header; /* operation: 0 */
    __u64 flow, context;
    __u32 callout_id;
    __u16 layer;
    __u16 pad;
};

enum driver_notify { DRIVER_FILTER_ADDED, DRIVER_FILTER_DELETED };

struct driver_notify_filter {
    struct driver_header header; /* operation: 0 */
    __u32 what;                  /* enum driver_notify */
    __u32 callout_id;
    __u64 filter_id, filter_context;
    __u8 filter_key[16]; /* GUID */
};

/* FwpmBfeStateSubscribeChanges0 */
struct driver_state {
    struct driver_header header; /* operation: 0 */
    __u32 state;                 /* FWPM_SERVICE_STATE */
    __u32 pad;
};

struct driver_answer {
    struct driver_header header;
    __u32 round;
    __u32 action, rights, absorb; /* FWP_ACTION_TYPE, FWPS_RIGHT_ACTION_WRITE or 0, 0 or 1 */
    __u32 pended;                 /* the action does not count; COMPLETE will come */
    __u32 deadline_ms;            /* of the pend; 0 = the engine's own, which is also the longest */
    __u32 default_action;         /* FWP_ACTION_*, if nobody completes in time; 0 = by the filter */
    __u32 took_packet;            /* the first packet goes on only as PACKET, or not at all */
    struct driver_redirect redirect;
};

struct driver_complete {
    struct driver_header header;
    __u32 action; /* FWP_ACTION_PERMIT or _BLOCK decides; 0 = classify again */
    __u32 pad;
    struct driver_redirect redirect; /* with a permit */
};

struct driver_packet {
    struct driver_header header;
    __u32 packet_size; /* the packet, from the IP header on, is behind this */
    __u32 pad;
};

struct driver_flow_associate {
    struct driver_header header; /* operation: 0 */
    __u64 flow, context;         /* context: 0 only in REMOVE */
    __u32 callout_id;
    __u16 layer;
    __u16 pad;
};

struct driver_flow_abort {
    struct driver_header header; /* operation: 0 */
    __u64 flow;
};

#endif
