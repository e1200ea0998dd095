/*
 * Questions from the kernel: a classify that met a filter whose callout lives in user space
 * (CLASSIFY_USER_CALLOUT) stands still until it is answered here.
 *
 * The operation is held in the way that its hook can (enum ale_hold). Its packets, where they wait,
 * are in the netfilter queue that the rules of shims/hold put them into; they match the two pinned
 * programs `held` and `denied`. The kernel side keeps the operation, the classify and the answer;
 * what is in force when the answer comes is asked: a policy that changed meanwhile begins anew.
 *
 * A handle is of its own and may live on another thread than the shim it was opened from.
 * Functions return 0 or a negative errno.
 */
#ifndef OPENWFP_SHIM_ASK_H
#define OPENWFP_SHIM_ASK_H

#include "shims/bpf/abi.h"
#include "shims/bpf/shim.h"

struct shim_asks;

/* Loads what answering needs and pins the programs that packets are matched with. */
int shim_asks_open(struct shim *shim, struct shim_asks **asks, struct shim_error *error);
void shim_asks_close(struct shim_asks *asks);

/* The pinned programs for rules of LOCAL_OUT: packets of operations that are asked about; packets
 * of operations that were blocked. Valid as long as the handle. */
const char *shim_asks_held_path(struct shim_asks *asks);
const char *shim_asks_denied_path(struct shim_asks *asks);

/* The same for LOCAL_IN: this program decides about new connections by itself, so there is one for
 * each network namespace; made on first use, kept while the handle lives. Paths have room for
 * PATH_MAX. netns_fd: /proc/PID/ns/net or the like. */
int shim_asks_inbound_path(struct shim_asks *asks, int netns_fd, char *held, char *denied,
                           struct shim_error *error);

/* Tells the kernel side that packets of this namespace find a queue (or no longer). Until then an
 * operation that would have to wait is refused, and ALE_ASK_NETWORK tells of it. */
int shim_asks_network(struct shim_asks *asks, int netns_fd, bool queued);

/* Every network namespace that covered processes live in, each once, with one of them. */
void shim_asks_networks(struct shim_asks *asks, void (*fn)(void *ctx, uint32_t pid, uint32_t inum),
                        void *ctx);

/* Readable when there is something that does not come with a packet. */
int shim_asks_fd(const struct shim_asks *asks);

/* Hands over what has come. `ask` points into shared memory: copy what is to be kept. */
struct shim_asks_sink {
    void *ctx;
    void (*ask)(void *ctx, const struct ale_ask *ask); /* ALE_ASK, ALE_ASK_NETWORK, _CLOSED */
    void (*packet)(void *ctx, const struct ale_ask_packet *packet);
};
int shim_asks_poll(struct shim_asks *asks, const struct shim_asks_sink *sink);

/* Every operation that is held now, as a question; for whoever comes after a reader that died. */
int shim_asks_recover(struct shim_asks *asks, const struct shim_asks_sink *sink);

/* Goes on with an operation; answer->outcome and ->next say how it stands. A block of what was held
 * as ALE_HOLD_LATER or _NOTICE has destroyed the socket when this returns. */
int shim_asks_answer(struct shim_asks *asks, struct ale_answer *answer);

/* Ends the socket of an operation whose packets have these ends, if it still lives: a connect that
 * was denied and does not know it. */
void shim_asks_destroy(const struct ale_ask *ask, const struct ale_ask_packet *ends);

/* Whether the socket's end is told of (ALE_ASK_CLOSED). */
int shim_asks_watch(struct shim_asks *asks, uint64_t cookie, bool watch);

/* Ends covered sockets that have a peer, by their cookies. Looks at every open file: not often. */
int shim_asks_abort(struct shim_asks *asks, const uint64_t *flows, uint32_t count);

/* The program's path by its number, "" for 0. */
const char *shim_asks_app(const struct shim_asks *asks, uint32_t app);

#endif
