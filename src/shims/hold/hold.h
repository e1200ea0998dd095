/*
 * Held operations: a thread that keeps them while callouts of user space decide.
 *
 * It reads the kernel's questions (shims/bpf/ask.h) and the netfilter queues, asks the hosts of
 * callouts (fwpkclnt/protocol.h), and gives the verdicts. It owns the rules that put packets into
 * the queues: the table `inet openwfp` in each network namespace. What it promises:
 *
 *   - an operation is completed exactly once, by the host that pended it, or by its deadline;
 *   - the number and the bytes of what is held are bounded, per program and in all; what finds no
 *     room is refused, and counted;
 *   - a host that is silent or gone never holds up anybody: its filters act as their flags say of a
 *     callout that is not registered;
 *   - when this thread is gone, with its process, packets that would have to wait are dropped by
 * the kernel (a TCP connect tries again); the next one finds every held operation and asks anew.
 *
 * All functions may be called from any thread. 0 or a negative errno.
 */
#ifndef OPENWFP_HOLD_H
#define OPENWFP_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "shims/bpf/ask.h"

#define HOLD_QUEUE 20311 /* the number of the netfilter queue, in each network namespace */

struct hold_limits {
    uint32_t packets;           /* that wait, in all; a half of one program, */
    uint64_t bytes;             /* of these packets; a quarter of one user other than root */
    uint32_t packets_operation; /* of one operation; further ones are dropped */
    uint32_t pends;             /* how often one operation can be pended */
    uint32_t classify_ms;       /* a host has to answer a classify within */
    uint32_t pend_ms;           /* and to complete within */
};
extern const struct hold_limits hold_limits_default;

struct hold_statistics {
    uint64_t held, packets, bytes;        /* now; what is decided is held no more */
    uint64_t asked, permitted, blocked;   /* ever */
    uint64_t timed_out, refused, ignored; /* deadlines; no room; messages that made no sense */
    uint32_t networks;                    /* namespaces with rules */
};

/* How it tells of what an administrator should know: one line. May come from its thread. */
typedef void hold_log_fn(void *ctx, int priority, const char *text);

struct hold;

int hold_open(struct shim_asks *asks, const struct hold_limits *limits, hold_log_fn *log,
              void *log_ctx, struct hold **hold, struct shim_error *error);
/* Ends the thread and removes the rules of every namespace: `keep` leaves them, so that what would
 * have to wait goes on being dropped. Takes asks along. */
void hold_close(struct hold *hold, bool keep);

/* Removes the rules that an earlier process kept, as its pins tell; before those go. */
void hold_clear(const char *pin_dir);

/* Rules in the namespaces that have covered sockets, or nowhere. With nothing to hold there is
 * nothing to pay. redirect: also rules that lead connects elsewhere, for policies with filters at
 * CONNECT_REDIRECT; with them every flow of the namespace is tracked by conntrack. Only with
 * outbound. */
int hold_enable(struct hold *hold, bool outbound, bool inbound, bool redirect,
                struct shim_error *error);

/* Whether there may be flows that were led elsewhere. Their namespaces' rules stay for them, and go
 * when they have ended: until then this thread is needed. */
bool hold_has_led(struct hold *hold);

/* A host of callouts; the socket is the thread's from now on. `gone` is called, on the thread, when
 * the host hangs up, and after it nothing more of this host comes. */
int hold_host_add(struct hold *hold, int socket, void (*gone)(void *ctx), void *ctx,
                  uint32_t *host);
void hold_host_remove(struct hold *hold, uint32_t host);

/* Whom to ask for a callout. */
#define HOLD_CALLOUT_WATCHES_FLOWS 1u /* it has a flowDeleteFn */
#define HOLD_CALLOUT_CONDITIONAL   2u /* asked only about flows that have a context of it */
int hold_callout_add(struct hold *hold, uint32_t callout_id, uint32_t host, uint32_t flags);
/* -EBUSY: a flow still has a context of it (7.8). Operations that it pended fall to their filters'
 * flags. Returns when no classify of it is running. */
int hold_callout_remove(struct hold *hold, uint32_t callout_id);

/* Sends a message that is not about an operation (DRIVER_NOTIFY, DRIVER_STATE). */
int hold_tell(struct hold *hold, uint32_t host, const void *message, uint32_t size);

void hold_statistics(struct hold *hold, struct hold_statistics *statistics);

#endif
