/*
 * Hosts of callouts: who serves callouts in user space, over a SOCK_SEQPACKET channel
 * (fwpkclnt/protocol.h). A driver's process is one, a part of the service itself may be another.
 *
 * A callout of a host is registered in the model with the slot CLASSIFY_USER_CALLOUT: a classify
 * that meets it stands still in the kernel, and the hold thread carries the question to the host.
 * That thread runs only while a filter in force names such a callout, or flows are watched for one.
 */
#ifndef OPENWFP_BFE_ENGINE_HOST_H
#define OPENWFP_BFE_ENGINE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

#define ENGINE_HOST_CALLOUTS 64u

struct engine;

struct engine_host_callout {
    GUID key;
    uint32_t id;
    uint32_t flags; /* HOLD_CALLOUT_* */
    bool notify;    /* is told of its filters: DRIVER_NOTIFY */
};

/* Part of its owner's struct; zero before it is opened. */
struct engine_host {
    struct engine_host *next;
    int channel;
    int (*connect)(void *ctx); /* NULL, or makes a channel each time that the hold thread starts */
    void *ctx;
    bool attached; /* to the hold thread, as `number` */
    uint32_t number;
    struct engine_host_callout callouts[ENGINE_HOST_CALLOUTS];
    size_t count;
};

/* The channel becomes the engine's: the hold thread gets a copy. */
void engine_host_open(struct engine *engine, struct engine_host *host, int channel);
/* Its callouts are unregistered: filters that name them do what their flags say. */
void engine_host_close(struct engine *engine, struct engine_host *host);
/* The same without a word to the model, when the service ends. */
void engine_host_detach(struct engine *engine, struct engine_host *host);

/* The callout's id is the same as that of its object, which may be added before or after (7.1). */
uint32_t engine_host_register(struct engine *engine, struct engine_host *host,
                              const struct engine_host_callout *wanted, uint32_t *id,
                              struct model_error *error);
/* ERROR_BUSY: a flow has a context of it (7.8). Returns when no classify of it runs. */
uint32_t engine_host_unregister(struct engine *engine, struct engine_host *host, uint32_t id,
                                struct model_error *error);

/* A message that is not about an operation; dropped when the host does not read. */
void engine_host_tell(const struct engine_host *host, const void *message, uint32_t size);

/*
 * Callouts without a host: those of the last run until their hosts are back, and those that could
 * not be unregistered. Whoever registers one takes it over.
 */
void engine_host_restore(struct engine *engine, const struct engine_host_callout *callout);
/* All hosts of the last run have come back or will not: what has no host is unregistered. */
void engine_hosts_restored(struct engine *engine);

/* Tells hosts of the filters that a commit brought and took away (7.4). */
void engine_hosts_notify(struct engine *engine, const struct model_view *view);

#endif
