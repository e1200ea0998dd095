/*
 * What the files of this room share. All state belongs to who holds the lock: the thread, except
 * while it sleeps, and the callers of hold.h.
 */
#ifndef OPENWFP_HOLD_INTERNAL_H
#define OPENWFP_HOLD_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/uio.h>

#include <netinet/in.h>
#include <linux/netfilter.h>

#include "fwpkclnt/protocol.h"
#include "shims/hold/hold.h"

#define HOLD_CALLOUTS 256u
#define HOLD_TARGETS  64u
#define HOLD_CONTEXTS 262144u /* of flows, in all */
#define HOLD_BUCKETS  16384u  /* a power of two */
#define HOLD_SCAN_MS  100u    /* how often deadlines are looked at */
#define HOLD_ABORTS   64u     /* flows that are to end, in so much time */
#define HOLD_LED_MS   2000u /* how often it is looked whether flows that were led elsewhere live */

/* What an event of the thread's epoll is about; the lower half is a number. */
#define HOLD_EVENT_WAKE    (1ull << 32)
#define HOLD_EVENT_ASKS    (2ull << 32)
#define HOLD_EVENT_HOST    (4ull << 32)
#define HOLD_EVENT_NETWORK (8ull << 32)

struct network;

/* A packet in a queue: the kernel keeps it until its verdict. */
struct packet {
    struct packet *next;
    struct network *network;
    uint32_t id;
    uint32_t size;
    uint8_t bytes[];
};

enum operation_state {
    OPERATION_AWAITING,  /* no question yet: its socket has a peer, but has sent nothing */
    OPERATION_NEW,       /* its question was not told yet: its packet may be on the way */
    OPERATION_ASKED,     /* a host has to answer */
    OPERATION_PENDED,    /* a host has to complete */
    OPERATION_COMPLETED, /* an accept: its packet has to come back */
    OPERATION_PERMITTED, /* its host took the first packet, which has to come back */
    OPERATION_DECIDED,   /* the kernel keeps the decision for a while */
};

struct host;

struct operation {
    struct operation *next_in_bucket;
    struct operation *next_in_ends;
    struct operation *next_of_socket; /* in a bucket of `sockets`; what points to this one: */
    struct operation **place_of_socket;
    struct operation *next, *previous; /* all of them, the newest first */
    struct ale_ask ask;                /* what is asked now */
    struct ale_ask_packet ends;        /* how its packets are known; kind 0: not told yet */
    enum operation_state state;
    struct host *host;   /* who has to answer or to complete */
    struct host *pender; /* who pended it last, and is told how it ends */
    uint32_t round, pends;
    uint32_t default_action;
    uint64_t since;    /* when its question came; ms of the monotonic clock */
    uint64_t deadline; /* likewise */
    bool showed_packet, took_packet, timed_out;
    struct packet *first, **last;
    uint32_t packets;
    struct driver_redirect redirect;
    uint8_t *returned; /* the packet as the host wants it to go on */
    uint32_t returned_size;
};

/* What packets of a program, or a user, take. */
struct room {
    uint32_t packets;
    uint64_t bytes;
};

struct host {
    struct host *next;
    uint32_t number;
    int socket;
    bool dead, full; /* full: it reads nothing just now */
    void (*gone)(void *ctx);
    void *gone_ctx;
};

struct callout {
    uint32_t id, flags;
    struct host *host; /* NULL: the place is free */
};

/* A process that takes over redirected connects. */
struct target {
    uint32_t pid, host;
    uint64_t start; /* of the process, in clock ticks: another one may get its pid */
};

/* A peer that flows were led to. */
struct led_to {
    uint8_t address[16]; /* v6 form */
    uint16_t port;
};

struct context {
    struct context *next;
    uint64_t flow, value;
    uint32_t callout_id;
    uint16_t layer;
};

/* A network namespace whose packets can wait. */
struct network {
    struct network *next;
    uint32_t waiting; /* packets in its queue */
    bool lived_in;    /* by somebody covered, at the last look */
    struct hold *hold;
    uint32_t inum;
    int netns; /* descriptor of the namespace */
    struct mnl_socket *queue;
    bool redirect; /* it has the rules for redirection */
    bool led;      /* flows of it were led elsewhere, and some may live */
};

struct hold {
    pthread_mutex_t lock;
    pthread_t thread;
    int epoll, wake;
    bool stopping, started;
    struct shim_asks *asks;
    struct hold_limits limits;
    hold_log_fn *log;
    void *log_ctx;
    bool enabled;                        /* was ever called */
    bool outbound, inbound, redirect;    /* rules are wanted */
    struct target targets[HOLD_TARGETS]; /* where connects were redirected to */
    unsigned next_target;
    struct led_to led_to[HOLD_TARGETS];
    unsigned led_count; /* ever */
    struct network *networks;
    struct operation *buckets[HOLD_BUCKETS]; /* by number */
    struct operation *ends[HOLD_BUCKETS];    /* by their packets' ends, which programs choose: */
    uint64_t secret;                         /* so that they can't choose the bucket */
    struct operation *sockets[HOLD_BUCKETS]; /* by their sockets' cookies */
    struct operation *operations;
    uint32_t untold; /* operations whose question no host was told */
    struct host *hosts;
    uint32_t next_host;
    struct callout callouts[HOLD_CALLOUTS];
    struct context *contexts[HOLD_BUCKETS];
    uint32_t contexts_now;
    uint64_t aborts[HOLD_ABORTS]; /* flows */
    uint32_t abort_count;
    struct room app_rooms[ALE_APPS];
    struct room user_rooms[ALE_USER_SLOTS + 1]; /* by number, modulo; the last: all but root */
    struct hold_statistics statistics;
    uint64_t swept;      /* when namespaces were looked at; ms */
    uint64_t followed;   /* when flows that were led elsewhere were looked at; ms */
    uint64_t complained; /* when the log was last told that there is no room */
};

uint64_t hold_now_ms(void);
void hold_say(struct hold *hold, int priority, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- network.c, rules.c: where packets can wait ---- */

/* By way of a process that lives there. */
int network_add(struct hold *hold, uint32_t pid, uint32_t inum, struct shim_error *error);
/* Of every namespace that covered processes live in. */
int network_add_all(struct hold *hold, struct shim_error *error);
/* Gives up those in which nobody covered lives any more, and nothing waits. */
void network_sweep(struct hold *hold);
void network_remove(struct hold *hold, struct network *network, bool keep_rules);
/* Gives up all but those with flows that were led elsewhere, and of these all but what the flows
 * need. */
void network_retire_all(struct hold *hold);
/* Once nothing is redirected any more: gives up what was kept for flows that have ended. */
void network_follow(struct hold *hold);
bool network_any_led(const struct hold *hold);
/* Something has come into the namespace's queue. */
void network_ready(struct hold *hold, uint32_t inum);
int network_verdict(const struct packet *packet, uint32_t verdict, const uint8_t *bytes,
                    uint32_t size);

struct rules {
    const char *held, *denied;       /* programs for packets that go out, */
    const char *held_in, *denied_in; /* and that come in; NULL: none of these */
    bool redirect;                   /* some may go to another peer */
};
/* Puts the table in place of whatever it was, or removes it (NULL); in the caller's namespace. */
int rules_put(const struct rules *rules, struct shim_error *error);

/* ---- redirect.c ---- */

struct batch;
void redirect_rules(struct batch *batch);
/* From now on packets of the operation's flow go where the operation was redirected to. */
int redirect_operation(struct hold *hold, const struct operation *operation);
/* Whether the connect is one of a process that this host (or another) has redirected to. */
uint32_t redirect_history(const struct hold *hold, const struct ale_ask *ask,
                          const struct host *host);
void redirect_remember(struct hold *hold, uint32_t pid, const struct host *host);

/* ---- led.c: flows that were led elsewhere ---- */

void led_remember(struct hold *hold, struct network *network,
                  const struct driver_redirect *redirect);
bool led_lives(const struct network *network);

/* ---- packet.c ---- */

/* The kernel side says that a packet of an operation, with these ends, will come. */
void packet_expect(struct hold *hold, const struct ale_ask_packet *told);
/* The operation's packets are known no longer. */
void packet_unexpect(struct hold *hold, struct operation *operation);
/* One is in the queue; what belongs to nobody is dropped. */
void packet_arrived(struct network *network, uint32_t id, const uint8_t *bytes, uint32_t size);

/* Whether the bytes are a sound packet of the same flow as the operation's first one. */
bool packet_is_like_first(const struct operation *operation, const uint8_t *bytes, uint32_t size);

/* The verdict of an operation's packets, in the order in which they came. */
void packets_permit(struct hold *hold, struct operation *operation);
void packets_reject(struct hold *hold, struct operation *operation);
void packets_drop(struct hold *hold, struct operation *operation);
/* Those that wait in this namespace are no more. An operation's are all in one. */
void packets_forget(struct hold *hold, const struct network *network);
/* Drops the first one. */
void packet_drop_first(struct hold *hold, struct operation *operation);
/* Lets the first one go on as the host has returned it. */
void packet_permit_first(struct hold *hold, struct operation *operation);

/* ---- keep.c ---- */

struct operation *operation_find(struct hold *hold, uint64_t number);
/* The first that may be of this socket; others follow by next_of_socket. */
struct operation *operation_of_socket(struct hold *hold, uint64_t cookie);
struct operation *operation_new(struct hold *hold, const struct ale_ask *ask);
void operation_free(struct hold *hold, struct operation *operation);
void operation_set_state(struct hold *hold, struct operation *operation, enum operation_state state,
                         uint64_t deadline);
/* In the list of all. */
void operation_link_first(struct hold *hold, struct operation *operation);
void operation_unlink(struct hold *hold, struct operation *operation);

/* ---- operation.c ---- */

bool operation_is_accept(const struct operation *operation);
bool operation_is_redirect(const struct operation *operation);
/* As if the callout were not registered: the filter's flags decide. */
void operation_advance_without(struct hold *hold, struct operation *operation);
/* As if its filter had not matched (7.7). */
void operation_pass_over(struct hold *hold, struct operation *operation);

void operation_question(struct hold *hold, const struct ale_ask *ask);
/* A packet of it has come. */
void operation_packet(struct hold *hold, struct operation *operation);
void operation_answer(struct hold *hold, struct host *host, const struct driver_answer *answer);
void operation_complete(struct hold *hold, struct host *host,
                        const struct driver_complete *complete);
void operation_return(struct hold *hold, struct host *host, const struct driver_packet *message);
void operation_scan(struct hold *hold, uint64_t now);
/* The socket was closed: nobody waits for its operations. */
void operation_closed(struct hold *hold, uint64_t cookie);
/* Nobody answers for this host any more. */
void operation_host_gone(struct hold *hold, const struct host *host);
void operation_callout_gone(struct hold *hold, uint32_t callout_id);
/* Nobody will be asked about what waits in this network namespace, or at all: the policy in force
 * decides. `keep`: what waits is dropped and comes again. */
void operation_release(struct hold *hold, const struct network *network, bool keep);
void operation_drop_all(struct hold *hold);

/* ---- question.c ---- */

bool operation_can_pend(const struct hold *hold, const struct operation *operation);
/* Whether the operation's host sees its packet. */
bool operation_shows_packet(const struct operation *operation);
/* Tells hosts of the questions that have come. */
void operation_tell_new(struct hold *hold, uint64_t now);

/* ---- host.c ---- */

struct callout *callout_find(struct hold *hold, uint32_t callout_id);
bool host_send(struct host *host, const struct iovec *parts, unsigned count);
/* The host of this number has said something, or hung up. */
void host_ready(struct hold *hold, uint32_t number);
void host_bury(struct hold *hold);
/* A new round: those that were full may have read. */
void host_try_again(struct hold *hold);
void host_free_all(struct hold *hold);

/* ---- flow.c ---- */

uint64_t flow_context(struct hold *hold, uint64_t flow, uint32_t callout_id, uint16_t layer);
void flow_associate(struct hold *hold, const struct host *host,
                    const struct driver_flow_associate *message);
void flow_remove(struct hold *hold, const struct host *host,
                 const struct driver_flow_associate *message);
void flow_closed(struct hold *hold, uint64_t flow);
void flow_abort(struct hold *hold, const struct driver_flow_abort *message);
/* Those that are to be aborted. */
void flow_end_aborted(struct hold *hold);
bool flow_has_contexts(const struct hold *hold, uint32_t callout_id);
void flow_forget_callout(struct hold *hold, uint32_t callout_id);

#endif
